use std::mem;
use std::time::Duration;

use tokio::time::Instant;

use crate::{Deadlines, SubscriptionError};

/// No setting makes us ping more often.
const SHORTEST_PING_EVERY: Duration = Duration::from_secs(1);
/// How long it is until the clock is looked at again where no deadline is in reach.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// Decides whether a silent host is still alive. Pure: it is told the time and what has arrived, and says what to do.
///
/// It is asked only when nothing is there to read, so messages that flow cost it nothing. What the host sent while
/// nobody read waits in the socket's buffers and is counted first, so time in which *we* did not read is not held
/// against the host.
#[derive(Debug)]
pub(crate) struct Session {
    deadlines: Deadlines,
    seen: Inbound,
    last_message_at: Instant,
    pinged_at: Instant,
    /// When the ping was sent after which nothing has arrived.
    unanswered_since: Option<Instant>,
    /// A ping was answered since this was last asked.
    answered: bool,
    /// Which message is under way, and when that was first noticed.
    under_way: Option<(u64, Instant)>,
}

/// What has arrived since the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Inbound {
    /// All bytes: messages, pings, pongs, parts.
    pub(crate) bytes: u64,
    /// Whole messages.
    pub(crate) messages: u64,
    /// Which message is under way.
    pub(crate) under_way: Option<u64>,
}

/// What to do while nothing is there to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Send a ping, then ask again.
    Ping,
    /// Wait for the host, and ask again at this instant, which is in the future.
    WaitUntil(Instant),
}

impl Session {
    /// A session whose connection was established now.
    pub(crate) fn new(deadlines: Deadlines, now: Instant) -> Self {
        Self {
            deadlines,
            seen: Inbound::default(),
            last_message_at: now,
            pinged_at: now,
            unanswered_since: None,
            answered: false,
            under_way: None,
        }
    }

    /// Nothing is there to read.
    ///
    /// # Errors
    ///
    /// The host is given up: `Idle`, `Unanswered` or `Trickle`.
    pub(crate) fn quiet(&mut self, now: Instant, inbound: Inbound) -> Result<Step, SubscriptionError> {
        self.take_note(now, inbound);
        let Deadlines { idle, ping_every, pong_within, message_within, .. } = self.deadlines;
        let unless = |late: bool, error: SubscriptionError| if late { Err(error) } else { Ok(()) };

        let trickle_at = self.under_way.and_then(|(_, since)| since.checked_add(message_within));
        unless(is_past(trickle_at, now), SubscriptionError::Trickle { within: message_within })?;
        let unanswered_at = self.unanswered_since.and_then(|since| since.checked_add(pong_within));
        unless(is_past(unanswered_at, now), SubscriptionError::Unanswered { within: pong_within })?;
        let idle_at = idle.and_then(|idle| self.last_message_at.checked_add(idle));
        unless(is_past(idle_at, now), SubscriptionError::Idle { within: idle.unwrap_or(Duration::MAX) })?;

        let ping_at = self.pinged_at.checked_add(ping_every.max(SHORTEST_PING_EVERY));
        if is_past(ping_at, now) {
            self.pinged_at = now;
            self.unanswered_since.get_or_insert(now);
            return Ok(Step::Ping);
        }
        let earliest = [trickle_at, unanswered_at, idle_at, ping_at].into_iter().flatten().min();
        Ok(Step::WaitUntil(earliest.unwrap_or(now + LONGEST_WAIT)))
    }

    /// Whether a ping was answered since this was last asked.
    pub(crate) fn was_answered(&mut self) -> bool {
        mem::take(&mut self.answered)
    }

    fn take_note(&mut self, now: Instant, inbound: Inbound) {
        if inbound.messages != self.seen.messages {
            self.last_message_at = now;
        }
        if inbound.bytes != self.seen.bytes {
            self.answered |= self.unanswered_since.take().is_some();
        }
        self.under_way = match (inbound.under_way, self.under_way) {
            (None, _) => None,
            (Some(which), Some(noticed)) if noticed.0 == which => Some(noticed),
            (Some(which), _) => Some((which, now)),
        };
        self.seen = inbound;
    }
}

fn is_past(deadline: Option<Instant>, now: Instant) -> bool {
    deadline.is_some_and(|deadline| deadline <= now)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A session, its clock in seconds, and what has arrived.
    struct Watched {
        session: Session,
        began: Instant,
        inbound: Inbound,
    }

    impl Watched {
        fn new(deadlines: Deadlines) -> Self {
            let began = Instant::now();
            Self { session: Session::new(deadlines, began), began, inbound: Inbound::default() }
        }

        fn at(&mut self, second: u64) -> Result<Step, SubscriptionError> {
            self.session.quiet(self.began + Duration::from_secs(second), self.inbound)
        }

        fn wait_until(&self, second: u64) -> Step {
            Step::WaitUntil(self.began + Duration::from_secs(second))
        }

        fn message(&mut self) {
            self.inbound.messages += 1;
            self.inbound.bytes += 100;
        }

        fn pong(&mut self) {
            self.inbound.bytes += 2;
        }
    }

    fn label(outcome: Result<Step, SubscriptionError>) -> &'static str {
        outcome.expect_err("the host is given up").label()
    }

    #[test]
    fn a_ping_goes_out_every_thirty_seconds_and_an_answer_to_it_is_life() {
        let mut watched = Watched::new(Deadlines::labels());
        assert_eq!(watched.at(0).unwrap(), watched.wait_until(30));
        for half_minutes in 1..100 {
            let second = half_minutes * 30;
            assert_eq!(watched.at(second).unwrap(), Step::Ping);
            assert_eq!(watched.at(second).unwrap(), watched.wait_until(second + 20));
            assert!(!watched.session.was_answered());
            watched.pong();
            assert_eq!(watched.at(second + 1).unwrap(), watched.wait_until(second + 30));
            assert!(watched.session.was_answered());
            assert!(!watched.session.was_answered(), "told twice");
        }
    }

    #[test]
    fn i10_a_host_that_sends_nothing_after_a_ping_is_given_up() {
        let mut watched = Watched::new(Deadlines::labels());
        assert_eq!(watched.at(30).unwrap(), Step::Ping);
        assert_eq!(watched.at(49).unwrap(), watched.wait_until(50));
        assert_eq!(label(watched.at(50)), "unanswered");
    }

    #[test]
    fn whatever_arrives_after_a_ping_is_life() {
        let mut watched = Watched::new(Deadlines::repos());
        assert_eq!(watched.at(30).unwrap(), Step::Ping);
        watched.message();
        assert_eq!(watched.at(60).unwrap(), Step::Ping);
        assert_eq!(watched.at(61).unwrap(), watched.wait_until(80));
    }

    #[test]
    fn a_later_ping_does_not_push_the_deadline_of_an_unanswered_one() {
        let slow_pong = Deadlines { pong_within: Duration::from_secs(45), ..Deadlines::labels() };
        let mut watched = Watched::new(slow_pong);
        assert_eq!(watched.at(30).unwrap(), Step::Ping);
        assert_eq!(watched.at(60).unwrap(), Step::Ping);
        assert_eq!(label(watched.at(75)), "unanswered");
    }

    #[test]
    fn i10_the_idle_deadline_is_measured_on_messages_and_not_on_pongs() {
        let mut watched = Watched::new(Deadlines::repos());
        watched.message();
        assert_eq!(watched.at(10).unwrap(), watched.wait_until(30));
        for second in [30, 60] {
            assert_eq!(watched.at(second).unwrap(), Step::Ping);
            watched.pong();
        }
        assert_eq!(watched.at(84).unwrap(), watched.wait_until(85));
        assert_eq!(label(watched.at(85)), "idle");
    }

    #[test]
    fn a_labeler_may_be_silent_for_days() {
        let mut watched = Watched::new(Deadlines::labels());
        for half_minutes in 1..3 * 24 * 120 {
            assert_eq!(watched.at(half_minutes * 30).unwrap(), Step::Ping);
            watched.pong();
        }
    }

    #[test]
    fn i10_a_message_that_trickles_is_given_up_however_lively_it_trickles() {
        let mut watched = Watched::new(Deadlines::repos());
        watched.inbound.under_way = Some(0);
        for second in 5..30 {
            watched.inbound.bytes += 1;
            watched.at(second).unwrap();
        }
        assert_eq!(watched.at(30).unwrap(), Step::Ping);
        assert_eq!(watched.at(34).unwrap(), watched.wait_until(35));
        assert_eq!(label(watched.at(35)), "trickle");
    }

    #[test]
    fn each_message_has_its_own_time_to_arrive() {
        let mut watched = Watched::new(Deadlines::labels());
        for number in 0..10 {
            watched.inbound.under_way = Some(number);
            watched.inbound.bytes += 1;
            while watched.at(number * 29).unwrap() == Step::Ping {}
            watched.inbound.bytes += 1;
            watched.inbound.messages += 1;
        }
        watched.inbound.under_way = None;
        watched.pong();
        while watched.at(400).unwrap() == Step::Ping {}
    }

    #[test]
    fn messages_that_waited_while_nobody_read_count_when_they_are_read() {
        let mut watched = Watched::new(Deadlines::repos());
        assert_eq!(watched.at(30).unwrap(), Step::Ping);
        watched.message();
        assert_eq!(watched.at(1_000).unwrap(), Step::Ping);
        assert_eq!(watched.at(1_000).unwrap(), watched.wait_until(1_020));
    }

    #[test]
    fn i10_no_setting_makes_it_ping_without_end_or_overflow() {
        let never = Duration::MAX;
        let none =
            Deadlines { ping_every: never, pong_within: never, message_within: never, ..Deadlines::labels() };
        let mut watched = Watched::new(Deadlines { idle: Some(never), ..none });
        watched.inbound.under_way = Some(0);
        assert_eq!(watched.at(5).unwrap(), watched.wait_until(5 + 24 * 60 * 60));

        let mut watched = Watched::new(Deadlines { ping_every: Duration::ZERO, ..none });
        assert_eq!(watched.at(5).unwrap(), Step::Ping);
        assert_eq!(watched.at(5).unwrap(), watched.wait_until(6));
    }

    #[test]
    fn the_instant_to_ask_again_is_always_in_the_future() {
        let mut watched = Watched::new(Deadlines::repos());
        for second in 0..75 {
            watched.inbound.bytes += 1;
            let now = watched.began + Duration::from_secs(second);
            loop {
                match watched.at(second).unwrap() {
                    Step::Ping => {}
                    Step::WaitUntil(instant) => break assert!(instant > now, "{second}"),
                }
            }
        }
    }
}
