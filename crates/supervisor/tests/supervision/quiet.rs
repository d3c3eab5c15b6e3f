use tracing::Level;

use crate::support::{Act, Lines, MINUTE, recorded, run_for, scripted};

#[tokio::test(start_paused = true)]
async fn of_a_quiet_child_only_what_is_ours_is_told_above_debug_and_observers_hear_all() {
    for quiet in [false, true] {
        let lines = Lines::collect();
        let (builder, recorder) = recorded();
        let child = scripted("one of many", [Act::Progress, Act::Lose, Act::Fail, Act::Panic, Act::Serve]);
        run_for(builder.child(child.quiet(quiet)), 10 * MINUTE).await;
        let ended: Vec<_> = lines
            .with_message("child ended")
            .iter()
            .map(|line| (line.field("ending").unwrap().to_owned(), line.level))
            .collect();
        let daily = if quiet { Level::DEBUG } else { Level::INFO };
        let lost = if quiet { Level::DEBUG } else { Level::WARN };
        let expected =
            [("lost", lost), ("failed", Level::ERROR), ("panicked", Level::ERROR), ("stopped", daily)];
        assert_eq!(ended, expected.map(|(ending, level)| (ending.to_owned(), level)));
        assert_eq!(recorder.reports().len(), 4);
        let begun = lines.with_message("child started");
        assert!(begun.len() == 4 && begun.iter().all(|line| line.level == daily), "{begun:?}");
    }
}
