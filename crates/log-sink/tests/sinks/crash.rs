use fastrand::Rng;
use standpipe_log_sink::{EmbeddedLog, LogError};

use crate::child::Child;
use crate::numbered::Checker;
use crate::support::Folder;

const KILLS: usize = 25;
/// No writer comes this far before it is killed.
const ENDLESS: u64 = 1 << 40;

#[tokio::test]
async fn i1_i2_i4_killed_writers_leave_whole_frames_once_and_the_cursor_of_the_last_one() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = Rng::with_seed(seed);
    let folder = Folder::new();
    let mut checker = Checker::new();
    let mut follower: Option<Child> = None;
    for _ in 0..KILLS {
        let mut writer = Child::spawn("write", &folder.state(), ENDLESS);
        let mut delivered = String::new();
        for _ in 0..random.u32(1..=40) {
            delivered = writer.wait_for("delivered").await;
        }
        follower.get_or_insert_with(|| Child::spawn("follow", &folder.state(), 0));
        // A little more than a transaction takes, in steps that no clock makes even.
        for _ in 0..random.u32(0..3000) {
            std::hint::black_box(random.u64(..));
            tokio::task::yield_now().await;
        }
        writer.kill().await;
        checker.check_rest_and_cursor(&folder.state()).await;
        let acknowledged: u64 = delivered.trim_start_matches("delivered ").parse().unwrap();
        assert!(acknowledged <= checker.through(), "{acknowledged} was durable");
    }
    let mut follower = follower.unwrap();
    drop(follower.process.stdin.take());
    assert_eq!(follower.wait_for("followed").await, format!("followed {}", checker.entries()));
    follower.ended_well().await;
    println!("{} entries of {} frames over {KILLS} kills", checker.entries(), checker.through());
}

#[tokio::test]
async fn a_log_that_another_process_writes_is_refused_until_that_one_is_gone() {
    let folder = Folder::new();
    let mut holder = Child::spawn("hold", &folder.state(), 0);
    holder.wait_for("holds").await;
    let Err(error) = EmbeddedLog::open(folder.settings()).await else { panic!("two processes write") };
    assert!(matches!(error, LogError::InUse { .. }), "{error}");
    holder.kill().await;
    EmbeddedLog::open(folder.settings()).await.unwrap();
}
