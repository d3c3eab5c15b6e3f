use std::time::Duration;

use standpipe_supervisor::{Backoff, Builder, Intensity, SetupError, Supervisor};

use crate::support::{Act, MINUTE, SECOND, scripted};

const DAY: Duration = Duration::from_hours(24);

fn check(builder: Builder, expected: &SetupError) {
    let text = expected.to_string();
    assert_eq!(builder.build().unwrap_err(), *expected);
    assert!(!text.ends_with('.') && text.starts_with(char::is_lowercase), "{text}");
}

#[test]
fn what_cannot_work_is_refused_before_anything_runs() {
    let child = || scripted("relay", [Act::Serve]);
    let builder = Supervisor::builder;
    let name = || "relay".into();

    check(builder().child(child()).child(child()), &SetupError::DuplicateChild { child: name() });
    for period in [Duration::ZERO, 366 * DAY, Duration::MAX] {
        check(builder().heartbeat_period(period), &SetupError::HeartbeatPeriod { period });
    }

    let base = Duration::from_micros(999);
    let spinning = child().backoff(Backoff::new(base, SECOND));
    check(builder().child(spinning), &SetupError::BackoffBase { child: name(), base });

    let (base, cap) = (2 * SECOND, SECOND);
    let upside_down = child().backoff(Backoff::new(base, cap));
    check(builder().child(upside_down), &SetupError::BackoffCap { child: name(), base, cap });

    let eternal = child().intensity(Intensity::new(5, Duration::MAX));
    let setting = "intensity window";
    check(
        builder().child(eternal),
        &SetupError::BeyondAYear { child: name(), setting, value: Duration::MAX },
    );
    let slow = Backoff::new(SECOND, 366 * DAY);
    let eternal = child().backoff(slow).intensity(Intensity::new(5, Duration::MAX));
    let setting = "backoff cap";
    check(builder().child(eternal), &SetupError::BeyondAYear { child: name(), setting, value: 366 * DAY });

    let stall_after = Duration::from_millis(999);
    let hasty = child().stall_after(Some(stall_after));
    check(builder().child(hasty), &SetupError::StallAfter { child: name(), stall_after });
    let eternal = child().stall_after(Some(366 * DAY));
    let setting = "stall limit";
    check(builder().child(eternal), &SetupError::BeyondAYear { child: name(), setting, value: 366 * DAY });

    let blind = child().intensity(Intensity::new(5, MINUTE));
    check(
        builder().child(blind),
        &SetupError::IntensityWindow { child: name(), window: MINUTE, cap: MINUTE },
    );
}
