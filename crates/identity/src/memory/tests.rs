//! What is remembered, for how long, and what the next process is told.

use serde_json::json;
use tokio::time::advance;

use super::*;

const DID: &str = "did:plc:7rvn2fejhf474djdyuspmjnt";
const KEY: &str = "zQ3shqwJEJyMBsBXCWyCBpUBMqxcon9oHB7mCvx4sSpMdLJwc";
const OTHER_KEY: &str = "zDnaembgSGUhZULN2Caob4HLJPaxBh92N7rtH21TErzqf8HQo";

fn identity(key: &str) -> Arc<Identity> {
    let entry =
        json!({ "id": "#atproto_label", "type": "Multikey", "controller": DID, "publicKeyMultibase": key });
    let document = json!({ "id": DID, "verificationMethod": [entry] }).to_string();
    Arc::new(Identity::parse(DID, document.as_bytes()).unwrap())
}

fn overdue() -> Arc<ResolveError> {
    Arc::new(ResolveError::Overdue { did: DID.into(), host: "h".into(), within: Duration::from_secs(5) })
}

fn second(number: i64) -> Timestamp {
    Timestamp::from_second(number).unwrap()
}

fn say(look: &Look) -> &'static str {
    match look {
        Look::Known(known) if known.is_unconfirmed => "unconfirmed",
        Look::Known(known) if known.is_stale => "stale",
        Look::Known(_) => "fresh",
        Look::Failed(_) => "failed",
        Look::Unknown => "unknown",
    }
}

async fn after(memory: &Memory, wait: Duration) -> &'static str {
    advance(wait).await;
    say(&memory.look(DID))
}

#[tokio::test(start_paused = true)]
async fn an_identity_is_fresh_for_an_hour_and_used_for_a_day_at_most() {
    let memory = Memory::new(Bounds::default());
    assert_eq!(say(&memory.look(DID)), "unknown");
    memory.learn(DID, &identity(KEY), second(0));
    assert_eq!(after(&memory, Duration::from_secs(3599)).await, "fresh");
    assert_eq!(after(&memory, Duration::from_secs(1)).await, "stale");
    assert_eq!(after(&memory, Duration::from_secs(23 * 3600 - 1)).await, "stale");
    assert_eq!(after(&memory, Duration::from_secs(1)).await, "unknown");
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_believed_for_two_minutes_and_does_not_replace_what_is_known() {
    let memory = Memory::new(Bounds::default());
    memory.learn_failure(DID, &overdue());
    assert_eq!(after(&memory, Duration::from_secs(119)).await, "failed");
    assert_eq!(after(&memory, Duration::from_secs(1)).await, "unknown");
    memory.learn_failure(DID, &overdue());
    memory.learn(DID, &identity(KEY), second(0));
    assert_eq!(after(&memory, Duration::from_hours(2)).await, "stale");
    memory.learn_failure(DID, &overdue());
    assert_eq!(after(&memory, Duration::from_secs(119)).await, "unconfirmed");
    assert_eq!(after(&memory, Duration::from_secs(1)).await, "stale");
    let gone = ResolveError::NotFound { did: DID.into(), host: "h".into(), status: 404 };
    memory.learn_failure(DID, &Arc::new(gone));
    assert_eq!(say(&memory.look(DID)), "failed");
    assert_eq!(after(&memory, Duration::from_mins(2)).await, "unknown");
}

#[tokio::test(start_paused = true)]
async fn what_nobody_was_asked_for_is_not_held_against_a_did() {
    let memory = Memory::new(Bounds::default());
    let busy = ResolveError::Busy { did: DID.into(), host: "h".into(), after: None };
    memory.learn_failure(DID, &Arc::new(busy));
    assert_eq!(say(&memory.look(DID)), "unknown");
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_process_knew_is_asked_for_anew_and_ages_on() {
    let (memory, now) = (Memory::new(Bounds::default()), second(90_000));
    let of = |fetched_at| Keepsake { identity: identity(KEY), fetched_at, label_key_since: second(7) };
    memory.recall(of(second(90_001)), now);
    assert_eq!(say(&memory.look(DID)), "unknown", "it is of the future");
    memory.recall(of(second(90_000 - 3600)), now);
    assert_eq!(say(&memory.look(DID)), "stale");
    assert_eq!(memory.keepsakes(), [of(second(90_000 - 3600))]);
    memory.learn_failure(DID, &overdue());
    assert_eq!(say(&memory.look(DID)), "unconfirmed");
    assert_eq!(after(&memory, Duration::from_secs(23 * 3600 - 1)).await, "stale");
    assert_eq!(after(&memory, Duration::from_secs(1)).await, "unknown");
    assert_eq!(memory.keepsakes(), []);

    memory.learn(DID, &identity(KEY), second(90_000));
    assert_eq!(say(&memory.look(DID)), "fresh");
    memory.recall(of(second(80_000)), now);
    assert_eq!(say(&memory.look(DID)), "fresh", "what this process knows is better");
    // The key is the one that was seen first.
    assert_eq!(memory.keepsakes(), [of(second(90_000))]);
    memory.forget(DID);
    assert_eq!(memory.keepsakes(), []);
}

#[tokio::test(start_paused = true)]
async fn i7_no_more_is_kept_than_may_be() {
    let memory = Memory::new(Bounds { kept: 3, ..Bounds::default() });
    for number in 0..10 {
        memory.learn(&number.to_string(), &identity(KEY), second(number));
    }
    assert_eq!(memory.keepsakes().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_label_key_is_as_old_as_its_first_sight() {
    let memory = Memory::new(Bounds::default());
    let since = |memory: &Memory| {
        let Look::Known(known) = memory.look(DID) else { panic!("it is known") };
        known.label_key_since.as_second()
    };
    memory.learn(DID, &identity(KEY), second(10));
    memory.learn(DID, &identity(KEY), second(20));
    assert_eq!(since(&memory), 10);
    memory.forget(DID);
    assert_eq!(say(&memory.look(DID)), "unknown");
    memory.learn(DID, &identity(KEY), second(30));
    assert_eq!(since(&memory), 10);
    memory.learn(DID, &identity(OTHER_KEY), second(40));
    assert_eq!(since(&memory), 40);
}
