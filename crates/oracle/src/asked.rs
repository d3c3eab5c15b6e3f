/// The seed of this run: `STANDPIPE_SEED`, or a new one. It is printed, so that a run can be repeated.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "checks are told by the environment what to repeat, and say it"
)]
pub fn seed() -> u64 {
    let given = std::env::var("STANDPIPE_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| fastrand::u64(..));
    println!("STANDPIPE_SEED={seed}");
    seed
}

/// Whether to take the time that a full check takes: `STANDPIPE_LONG=1`.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "checks are told by the environment how long they may take")]
pub fn is_long() -> bool {
    std::env::var_os("STANDPIPE_LONG").is_some_and(|long| long == "1")
}

/// Whether nothing may be skipped for what is not there: `CI`.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "checks are told by the environment what must be there")]
pub fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|ci| !ci.is_empty())
}
