//! A daemon that is gone, says nothing, or begins anew.

use std::sync::atomic::Ordering::Relaxed;

use crate::rig::Rig;
use crate::stand_in::{StandIn, host};
use crate::view::View;

const ALARM: &str = "return document.getElementById('alarm').checkVisibility()";
const NO_ALARM: &str = "return !document.getElementById('alarm').checkVisibility()";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_is_gone_is_said_at_once_and_what_was_known_stays() {
    let mut rig = Rig::new(1, 100).await;
    rig.daemon.start().unwrap();
    rig.is(0, "streaming").await;
    let Some(view) = rig.view().await else { return };
    let before = view.agrees().await;
    rig.daemon.kill().unwrap();
    view.until("an alarm", ALARM).await;
    let shown = view.run("return [document.getElementById('alarm').textContent, document.title, document.body.dataset.tone, document.querySelectorAll('#rows > tr').length]").await;
    let alarm = shown[0].as_str().unwrap();
    assert!(
        alarm.starts_with("The daemon does not answer since ") && alarm.contains("nobody is there"),
        "{alarm}"
    );
    assert_eq!((&shown[1], &shown[2], &shown[3]), (&"no answer · firehose".into(), &"bad".into(), &1.into()));
    crate::axe::finds_nothing(&view, "gone").await;

    rig.daemon.start().unwrap();
    view.until("no alarm", NO_ALARM).await;
    let after = view.agrees().await;
    assert_ne!(before["status"]["run"], after["status"]["run"]);
    let told = after["shown"]["incidents"].to_string();
    assert!(told.contains("was killed, without a farewell"), "{told}");
    // The browser itself says of each request that nobody answered it. That is not of the page's making.
    let said = view.browser.console().await.unwrap();
    assert!(said.iter().all(|line| line.contains("Failed to load resource")), "{said:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_takes_the_connection_and_says_nothing_is_told_apart() {
    let stand_in = StandIn::of(&[host("relay.example")]).await;
    let Some(view) = View::open(stand_in.address).await else { return };
    view.agrees().await;
    stand_in.answers.is_silent.store(true, Relaxed);
    let told = "return document.getElementById('alarm').textContent.includes('takes the connection and says nothing')";
    view.until("a word of that", told).await;
    assert_eq!(view.run(ALARM).await, true);
    stand_in.answers.is_silent.store(false, Relaxed);
    view.until("no alarm", NO_ALARM).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_nobody_looks_at_asks_seldom() {
    let stand_in = StandIn::of(&[host("relay.example")]).await;
    let Some(view) = View::open(stand_in.address).await else { return };
    view.until("an answer", "return document.querySelectorAll('#rows > tr').length === 1").await;
    let hide = "Object.defineProperty(document, 'hidden', { configurable: true, value: arguments[0] });
        document.dispatchEvent(new Event('visibilitychange'));";
    view.browser.run(hide, &serde_json::json!([true])).await.unwrap();
    // The one that is under way or due ends first.
    let wait = "return new Promise((resolve) => setTimeout(resolve, arguments[0]))";
    view.browser.run(wait, &serde_json::json!([2_500])).await.unwrap();
    let asked = stand_in.answers.asked.load(Relaxed);
    view.browser.run(wait, &serde_json::json!([5_000])).await.unwrap();
    assert_eq!(stand_in.answers.asked.load(Relaxed), asked);
    view.browser.run(hide, &serde_json::json!([false])).await.unwrap();
    let deadline = tokio::time::Instant::now() + crate::view::PATIENCE;
    while stand_in.answers.asked.load(Relaxed) == asked {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_script_the_page_says_where_to_read() {
    let stand_in = StandIn::of(&[host("relay.example")]).await;
    let Some(view) = View::open(stand_in.address).await else { return };
    view.browser
        .devtools("Emulation.setScriptExecutionDisabled", &serde_json::json!({ "value": true }))
        .await
        .unwrap();
    view.reload().await;
    let tree = view
        .browser
        .devtools("Accessibility.getFullAXTree", &serde_json::json!({}))
        .await
        .unwrap()
        .to_string();
    assert!(tree.contains("the script is off") && tree.contains("/status"), "{tree}");
}
