use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::child::Child;
use crate::numbered::Checker;
use crate::support::Folder;

/// More than twice what the limits below let through at first.
const FRAMES: u64 = 12_000;

#[tokio::test]
async fn i1_a_file_that_may_not_grow_delays_delivery_and_loses_nothing() {
    let folder = Folder::new();
    // An ignored signal stays ignored over exec, so that growing fails with EFBIG instead of ending the child.
    let limited = ["sh", "-c", "trap '' XFSZ; ulimit -S -f 8192; exec \"$0\" \"$@\""];
    let mut writer = Child::spawn_under(&limited, "write", &folder.state(), FRAMES);
    let cause = writer.wait_for("unavailable").await;
    println!("{cause}");
    let pid = Pid::from_raw(i32::try_from(writer.process.id().unwrap()).unwrap()).unwrap();
    prlimit(Some(pid), Resource::Fsize, Rlimit { current: None, maximum: None }).unwrap();
    writer.wait_for("flowing").await;
    writer.wait_for("done").await;
    writer.ended_well().await;
    let mut checker = Checker::new();
    checker.check_rest_and_cursor(&folder.state()).await;
    assert_eq!(checker.through(), FRAMES);
}

#[tokio::test]
async fn i1_a_full_disk_delays_delivery_and_loses_nothing() {
    let folder = Folder::new();
    let path = folder.state().path().display().to_string();
    std::fs::create_dir_all(&path).unwrap();
    let script = "mount -t tmpfs -o size=40m none \"$STATE\" && head -c 33000000 /dev/zero > \"$STATE/filler\" \
                  && echo 'child: mounted' && exec \"$0\" \"$@\"";
    let script = format!("STATE='{path}'; {script}");
    let mounted = ["unshare", "-rm", "sh", "-c", &script];
    let mut writer = Child::spawn_under(&mounted, "write-beside-filler", &folder.state(), FRAMES);
    if writer.says().await.as_deref() != Some("mounted") {
        println!("skipped: this system lets nobody mount a small disk");
        return;
    }
    println!("{}", writer.wait_for("unavailable").await);
    writer.wait_for("flowing").await;
    writer.wait_for(&format!("checked through {FRAMES}")).await;
    writer.ended_well().await;
}
