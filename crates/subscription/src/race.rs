use std::future::Future;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::select;
use tokio::time::{Instant, sleep_until};

/// Begins the attempts one after the other and returns the first that succeeds; the others are dropped.
///
/// The next one begins as soon as one has failed, or after `stagger` while all that have begun are still trying
/// (RFC 8305 section 5). `None` when there were no attempts. Cancel-safe: all attempts are dropped. It has no
/// deadline of its own.
///
/// # Errors
///
/// All have failed: the last failure.
pub(crate) async fn race<A, T, E>(
    attempts: impl IntoIterator<Item = A>,
    stagger: Duration,
) -> Option<Result<T, E>>
where
    A: Future<Output = Result<T, E>>,
{
    let mut waiting = attempts.into_iter();
    let mut running = FuturesUnordered::new();
    let mut all_begun = false;
    let mut last_failure = None;
    let mut next_at = Instant::now();
    while !all_begun || !running.is_empty() {
        select! {
            biased;
            Some(outcome) = running.next() => match outcome {
                Ok(won) => return Some(Ok(won)),
                Err(error) => {
                    last_failure = Some(Err(error));
                    next_at = Instant::now();
                }
            },
            attempt = async { sleep_until(next_at).await; waiting.next() }, if !all_begun => match attempt {
                Some(attempt) => {
                    running.push(attempt);
                    next_at = Instant::now() + stagger;
                }
                None => all_begun = true,
            },
        }
    }
    last_failure
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    const STAGGER: Duration = Duration::from_millis(250);

    /// Attempts that succeed or fail after so many milliseconds; the winner and when it won.
    async fn check(attempts: &[(u64, bool)], winner: Option<Result<usize, usize>>, after_ms: u64) {
        let began = Instant::now();
        let attempts = attempts.iter().enumerate().map(async |(index, &(after, succeeds))| {
            sleep(Duration::from_millis(after)).await;
            if succeeds { Ok(index) } else { Err(index) }
        });
        assert_eq!(race(attempts, STAGGER).await, winner);
        assert_eq!(began.elapsed(), Duration::from_millis(after_ms));
    }

    const NEVER: u64 = 1_000_000;

    #[tokio::test(start_paused = true)]
    async fn the_first_to_succeed_wins() {
        check(&[(100, true), (0, true)], Some(Ok(0)), 100).await;
        check(&[(600, true), (100, true)], Some(Ok(1)), 350).await;
        check(&[(300, true), (100, true)], Some(Ok(0)), 300).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_black_hole_costs_a_quarter_of_a_second() {
        check(&[(NEVER, true), (10, true)], Some(Ok(1)), 260).await;
        check(&[(NEVER, true), (NEVER, true), (10, true)], Some(Ok(2)), 510).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_begins_the_next_at_once() {
        check(&[(30, false), (40, false), (50, true)], Some(Ok(2)), 120).await;
    }

    #[tokio::test(start_paused = true)]
    async fn when_all_fail_it_says_so_when_the_last_has_failed() {
        check(&[(400, false), (10, false)], Some(Err(0)), 400).await;
        check(&[(10, false), (600, false)], Some(Err(1)), 610).await;
        check(&[], None, 0).await;
    }
}
