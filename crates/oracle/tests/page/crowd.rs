//! Three hundred hosts.

use serde_json::{Value, json};

use crate::stand_in::{StandIn, host};

fn crowd() -> Vec<Value> {
    let mut hosts: Vec<_> =
        (0..300).map(|number| host(&format!("pds{number:03}.us-east.host.bsky.network"))).collect();
    for number in [17, 140, 141, 290] {
        let it = &mut hosts[number];
        let cause = "reach the host: connection refused (os error 111)";
        it["ready"] = false.into();
        it["state"] = "backing_off".into();
        it["reason"] = cause.into();
        (it["state_for_ms"], it["restart_in_ms"]) = (Value::Null, 8_000.into());
        (it["events_per_second"], it["bytes_in_flight"], it["lag_ms"]) = (0.into(), 0.into(), 340_000.into());
        (it["restarts"], it["restarts_last_hour"]) = (14.into(), 9.into());
        it["last_exit"] = json!({
            "ordinal": 3, "incarnation": 2, "ending": "lost", "cause": cause, "state": "connecting", "ran_for_ms": 20,
            "last_seq": null, "verdict": "restart", "at": "2026-07-05T14:38:01Z",
        });
    }
    let held = &mut hosts[200];
    let cause = "the cursor 31527015322 lies ahead of the host";
    held["state"] = "held".into();
    held["hold"] = json!({ "since": "2026-07-05T12:14:00Z", "cause": cause, "tries": 31 });
    (held["state_for_ms"], held["restart_in_ms"], held["events_per_second"]) =
        (Value::Null, 143_000.into(), 0.into());
    hosts
}

/// Events a second; nothing of late where a host is in trouble.
fn rate(number: u64, at: u64) -> u64 {
    let is_troubled = [17, 140, 141, 200, 290].contains(&number);
    if is_troubled && at > 120 + number % 40 {
        0
    } else {
        200 + number % 70 * 4 + (number * 31 + at * at * 17) % 60
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hundred_hosts_are_counted_by_state_and_found_by_name() {
    let stand_in = StandIn::of(&crowd()).await;
    stand_in.change(|status| {
        status["ready"] = false.into();
        // Not long ago, whenever this runs.
        let delivery = json!({ "host": "pds112.us-east.host.bsky.network", "at": "2999-01-01T00:00:00Z", "took_ms": 3.2 });
        status["sink"]["last_delivery"] = delivery;
    });
    let rates: serde_json::Map<_, _> = (0..300)
        .map(|number| {
            let rates: Vec<_> = (0..180).map(|at| rate(number, at)).collect();
            (format!("pds{number:03}.us-east.host.bsky.network"), json!(rates))
        })
        .collect();
    let entries: Vec<_> = (0..180).map(|at| 500_000 + at * 657).collect();
    *stand_in.answers.history.lock().unwrap() =
        json!({ "every_ms": 10_000, "entries": entries, "hosts": rates });
    let Some(view) = crate::view::View::open(stand_in.address).await else { return };
    let read = view.holds("crowd").await;
    assert_eq!(read["shown"]["headline"], "295 of 300 hosts stream");
    let chips =
        json!([["all", "300"], ["not well", "5"], ["streaming", "295"], ["held", "1"], ["backing off", "4"]]);
    assert_eq!(read["shown"]["chips"], chips);
    let first: Vec<_> = (0..6).map(|at| read["shown"]["rows"][at]["state"].as_str().unwrap()).collect();
    assert_eq!(first, ["backing off", "backing off", "backing off", "backing off", "held", "streaming"]);

    let rows =
        "return [...document.querySelectorAll('#rows > tr')].filter((row) => row.checkVisibility()).length";
    view.run("document.getElementById('more-hosts').click()").await;
    assert_eq!(view.run(rows).await, 300);
    view.run(
        "[...document.querySelectorAll('.chip')].find((chip) => chip.textContent.startsWith('held')).click()",
    )
    .await;
    assert_eq!(view.run(rows).await, 1);
    view.run("document.querySelector('.chip').click(); document.getElementById('filter').focus()").await;
    view.browser.press("pds14").await.unwrap();
    assert_eq!(view.run(rows).await, 10);
    assert_eq!(
        view.run("return document.getElementById('shown').textContent").await,
        "10 hosts of 300 shown"
    );
    view.run("document.getElementById('filter').value = 'nobody'; document.getElementById('filter').dispatchEvent(new Event('input'))").await;
    assert_eq!(
        (view.run(rows).await, view.run("return document.getElementById('none').checkVisibility()").await),
        (0.into(), true.into())
    );
    view.is_quiet().await;
}

/// Counts what happens to the rows during so many answers, and the longest time that the page was busy for.
const WATCH: &str = "
  const [answers] = arguments;
  const table = document.getElementById('rows');
  const kept = [...table.children];
  const seen = { moved: 0, longest: 0, texts: 0 };
  const observer = new MutationObserver((changes) => {
    for (const change of changes) {
      if (change.target === table) seen.moved += 1;
      else seen.texts += 1;
    }
  });
  observer.observe(table, { childList: true, subtree: true, characterData: true, attributes: true });
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) seen.longest = Math.max(seen.longest, task.duration);
  }).observe({ type: 'longtask' });
  return new Promise((resolve) => {
    let left = answers;
    const count = new PerformanceObserver((list) => {
      left -= list.getEntries().filter((entry) => entry.name.endsWith('/status')).length;
      if (left > 0) return;
      count.disconnect();
      // The page draws what it was told before this is asked again.
      setTimeout(() => resolve({ ...seen, same: kept.length === table.children.length && kept.every((row, at) => row === table.children[at]) }), 500);
    });
    count.observe({ type: 'resource' });
  });";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_changed_in_place() {
    let stand_in = StandIn::of(&crowd()).await;
    let Some(view) = crate::view::View::open(stand_in.address).await else { return };
    view.until("rows", "return document.querySelectorAll('#rows > tr').length > 0").await;
    view.run("document.getElementById('more-hosts').click()").await;
    stand_in.change(|status| {
        for host in status["hosts"].as_array_mut().unwrap() {
            host["last_seq"] = 31_527_999_999_u64.into();
        }
    });
    let seen = view.browser.run(WATCH, &json!([3])).await.unwrap();
    println!("300 rows over three answers: {seen}");
    assert_eq!((&seen["moved"], &seen["same"]), (&0.into(), &true.into()), "{seen}");
    // The seq and the cursor beside it, of each row; nothing is written again that says the same.
    let texts = seen["texts"].as_u64().unwrap();
    assert!((300..=900).contains(&texts), "{seen}");
    // Some 100 ms on a machine that has nothing else to do; other checks may run beside this one.
    assert!(seen["longest"].as_f64().unwrap() < 1_000.0, "{seen}");
}
