# The developer's interface. Without just: `cargo xtask` has the same commands.

# List the recipes
default:
    @just --list --unsorted

# Find redis-server, a telemetry collector and a browser, or install them
setup:
    cargo xtask setup

# Show the main job without a network, until Ctrl-C
demo *arguments:
    cargo xtask demo {{arguments}}

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
