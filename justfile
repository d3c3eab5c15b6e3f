# The developer's interface. Without just: `cargo xtask` has the same commands.

# List the recipes
default:
    @{{just_executable()}} --list --unsorted

# Find redis-server, a telemetry collector, a browser and Prometheus, or install them
setup:
    cargo xtask setup

# Show the main job without a network, until Ctrl-C
demo *arguments:
    cargo xtask demo {{arguments}}

# Run all three daemons on loopback, with Redis, a simulated network and a consumer, until Ctrl-C
dev *arguments:
    cargo xtask dev {{arguments}}

# Build an image of each daemon (--prebuilt: compile here instead of in the builder)
images *arguments:
    cargo xtask images {{arguments}}

# Start the containers of deploy/compose.yaml, or one by name (--demo, --observe)
up *arguments:
    cargo xtask up {{arguments}}

# Stop and remove them, or one by name; what they keep stays
down *arguments:
    cargo xtask down {{arguments}}

# Follow their logs, or that of one by name
logs *arguments:
    cargo xtask logs {{arguments}}

# Restart one of them, and no other
restart name *arguments:
    cargo xtask restart {{name}} {{arguments}}

# Run firehose against the live network, into the embedded log
firehose *arguments:
    cargo run --release --bin firehose -- --relay-hosts bsky.network {{arguments}}

# Run labeler against a labeler of the live network, into the embedded log
labeler *arguments:
    cargo run --release --bin labeler -- --labeler-hosts mod.bsky.app {{arguments}}

# Run backfill against the live network, into the embedded log
backfill *arguments:
    cargo run --release --bin backfill -- --relay-hosts bsky.network {{arguments}}

# Run all tests
test *arguments:
    cargo xtask test {{arguments}}

# Check formatting, clippy, docs, layers and licences
lint:
    cargo xtask lint

# Run the benchmarks of docs/performance.md
bench:
    cargo xtask bench

# Picture the status page for docs/images/
screenshots:
    cargo xtask screenshots

# Fuzz the codec
fuzz *arguments:
    cargo xtask fuzz {{arguments}}
