use std::future::Future;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::select;
use tokio::time::{Instant, sleep_until};

use crate::fault::Fault;

/// One request on its way, with its deadline.
///
/// It may be left alone for a while, when the reader has no room. The time it is left alone does not count against the
/// host.
pub(crate) struct Flight<T> {
    exchange: Pin<Box<dyn Future<Output = Result<T, Fault>> + Send>>,
    began: Instant,
    within: Duration,
    deadline: Option<Instant>,
    left_at: Option<Instant>,
    landed: Option<Result<T, Fault>>,
}

impl<T> Flight<T> {
    /// A request that is not sent before it is looked at.
    pub(crate) fn new(
        within: Duration,
        exchange: impl Future<Output = Result<T, Fault>> + Send + 'static,
    ) -> Self {
        let began = Instant::now();
        let deadline = began.checked_add(within);
        Self { exchange: Box::pin(exchange), began, within, deadline, left_at: None, landed: None }
    }

    /// When it was begun.
    pub(crate) fn began(&self) -> Instant {
        self.began
    }

    /// Sends it, and leaves it alone. Cancel-safe: it does not wait.
    pub(crate) async fn depart(&mut self) {
        std::future::poll_fn(|context| {
            if let Poll::Ready(outcome) = self.exchange.as_mut().poll(context) {
                self.landed = Some(outcome);
            }
            Poll::Ready(())
        })
        .await;
        self.left_at = Some(Instant::now());
    }

    /// What came back. Cancel-safe: the request stays on its way. It must not be called again once it has answered.
    pub(crate) async fn outcome(&mut self) -> Result<T, Fault> {
        let Self { exchange, within, deadline, left_at, landed, .. } = self;
        if let Some(outcome) = landed.take() {
            return outcome;
        }
        if let (Some(deadline), Some(left)) = (deadline.as_mut(), left_at.take()) {
            *deadline += left.elapsed();
        }
        let _leaving = Leaving(left_at);
        select! {
            biased;
            outcome = exchange => outcome,
            () = overdue(*deadline) => Err(Fault::Overdue { within: *within }),
        }
    }
}

async fn overdue(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// Notes when somebody stopped looking.
struct Leaving<'f>(&'f mut Option<Instant>);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        *self.0 = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, sleep, timeout};

    use super::*;

    const WITHIN: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn i10_a_request_that_is_waited_for_has_a_deadline() {
        let mut flight = Flight::<()>::new(WITHIN, std::future::pending());
        let began = Instant::now();
        assert!(matches!(flight.outcome().await, Err(Fault::Overdue { within: WITHIN })));
        assert_eq!(began.elapsed(), WITHIN);
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_that_a_request_is_left_alone_does_not_count() {
        let mut flight = Flight::<()>::new(WITHIN, std::future::pending());
        flight.depart().await;
        advance(Duration::from_mins(10)).await;
        assert!(timeout(Duration::from_secs(10), flight.outcome()).await.is_err());
        advance(Duration::from_mins(10)).await;
        let began = Instant::now();
        assert!(flight.outcome().await.is_err());
        assert_eq!(began.elapsed(), Duration::from_secs(20));
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_is_given_up_loses_nothing() {
        let mut flight = Flight::new(WITHIN, async {
            sleep(Duration::from_secs(5)).await;
            Ok(7)
        });
        for _ in 0..4 {
            assert!(timeout(Duration::from_secs(1), flight.outcome()).await.is_err());
        }
        assert_eq!(flight.outcome().await.unwrap(), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_there_at_once_is_kept() {
        let mut flight = Flight::new(WITHIN, async { Ok(7) });
        flight.depart().await;
        assert_eq!(flight.outcome().await.unwrap(), 7);
    }
}
