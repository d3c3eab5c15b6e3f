use crate::child::Child;
use crate::support::Folder;

/// Each with an entry of 500,000 bytes.
const FRAMES: u64 = 200;

#[tokio::test]
async fn i7_the_memory_of_a_writer_does_not_follow_what_it_writes() {
    let folder = Folder::new();
    let mut writer = Child::spawn("weigh", &folder.state(), FRAMES);
    let peak = writer.wait_for("peak").await;
    writer.ended_well().await;
    let kibibytes: u64 = peak.split(' ').nth(1).unwrap().parse().unwrap();
    println!("{peak} KiB");
    assert!(kibibytes < 64 << 10, "{peak} KiB");
}
