//! The append script by itself: each of its answers, whatever a writer of ours would have asked.

use standpipe_oracle::Reply;

use crate::setup::World;

const SCRIPT: &str = include_str!("../../src/append.lua");

/// Runs the script as the holder of the fence `1:me`, with a high-water mark of 10.
async fn append(world: &World, fence: &str, from: &str, through: &str, entries: &[&str]) -> Reply {
    let words = ["EVAL", SCRIPT, "3", "s", "c", "f", fence, from, through, "10", "event"];
    let words = words.iter().chain(entries).copied().collect::<Vec<_>>();
    world.run(&words).await
}

fn check(reply: &Reply, code: i64, cursor: &str, length: i64, fence: &str) {
    let text = |text: &str| Reply::Bulk(text.as_bytes().to_vec());
    assert_eq!(reply.items(), [Reply::Integer(code), text(cursor), Reply::Integer(length), text(fence)]);
}

#[tokio::test]
async fn i1_i2_every_answer_says_what_is_stored() {
    let world = World::new().await;
    check(&append(&world, "1:me", "", "7", &["a"]).await, -1, "", 0, "");
    world.run(&["SET", "f", "1:me"]).await;
    check(&append(&world, "1:me", "", "7", &["a", "b"]).await, 1, "7", 2, "1:me");
    check(&append(&world, "1:me", "", "7", &["a", "b"]).await, 2, "7", 2, "1:me");
    check(&append(&world, "1:me", "", "8", &["c"]).await, -2, "7", 2, "1:me");
    check(&append(&world, "1:me", "6", "8", &["c"]).await, -2, "7", 2, "1:me");
    check(&append(&world, "2:you", "7", "8", &["c"]).await, -1, "7", 2, "1:me");
    check(&append(&world, "1:me", "7", "8", &["x"; 8]).await, 1, "8", 10, "1:me");
    check(&append(&world, "1:me", "8", "9", &["d"]).await, -3, "8", 10, "1:me");
    check(&append(&world, "1:me", "8", "9", &[]).await, 1, "9", 10, "1:me");
    assert_eq!(world.run(&["GET", "c"]).await.text(), Some("9"));
    assert_eq!(world.run(&["XLEN", "s"]).await, Reply::Integer(10));
}
