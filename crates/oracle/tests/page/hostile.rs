//! Whatever a host calls itself and says: it is a text.

use serde_json::{Value, json};

use crate::stand_in::{StandIn, host};

const HOSTILE: [&str; 9] = [
    "<img src=x onerror=\"window.harmed=1\">",
    "<script>window.harmed=1</script>",
    "</style></script><svg onload=window.harmed=1>",
    "javascript:window.harmed=1//",
    "\u{202e}moc.elpmaxe\u{2066}",
    "a\u{0}b\u{7}c\u{1b}[31md\r\n\te",
    "'; rm -rf ~; echo '$(reboot)`reboot`",
    "{{constructor.constructor('window.harmed=1')()}}",
    "zero\u{200b}width\u{feff}\u{ad}",
];

/// A host that says this wherever it can.
fn saying(text: &str) -> Value {
    let mut it = host(text);
    it["ready"] = false.into();
    it["state"] = "backing_off".into();
    it["reason"] = text.into();
    it["waiting_for"] = text.into();
    it["cursor"] = text.into();
    it["hold"] = json!({ "since": text, "cause": text, "tries": 3 });
    it["gaps"] = json!([{ "reason": text, "from": 5, "from_time": text, "to": 9, "to_time": text, "noticed_at": text }]);
    it["last_look"] = json!({
        "at": text, "host": { "result": text, "after_ms": null, "cause": text },
        "sink": { "result": text, "after_ms": null, "cause": text },
    });
    it["last_exit"] = json!({
        "ordinal": 1, "incarnation": 1, "ending": text, "cause": text, "state": text, "ran_for_ms": 1, "last_seq": 1,
        "verdict": text, "at": text,
    });
    it["enumeration"] = json!({
        "round": text, "began_at": text, "repos": 1, "entries": 1, "pages": 1, "withheld": 1, "exact": false,
        "repos_per_second": 1.0, "estimated_repos": 5, "estimated_percent": 20.0, "estimated_seconds_left": 4,
        "done": null,
    });
    it
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_hosts_write_is_shown_and_does_nothing() {
    let long = format!("long{}", "x".repeat(20_000));
    let all: Vec<_> = HOSTILE.iter().copied().chain([long.as_str()]).collect();
    let stand_in = StandIn::of(&all.iter().map(|text| saying(text)).collect::<Vec<_>>()).await;
    let incidents: Vec<_> = all
        .iter()
        .flat_map(|text| {
            let kinds = ["child_ended", "held", "gap", "run_started", "run_ended", "moved", "released", text];
            kinds.map(|kind| {
                json!({ "at": text, "kind": kind, "host": text, "child": text, "cause": text, "ending": text,
                    "state": text, "reason": text, "version": text, "how": text, "from": text, "to": text,
                    "ran_for_ms": 1, "uptime_ms": 1, "hosts_total": 1, "records": 1,
                    "last_run": { "how": text, "cause": text } })
            })
        })
        .collect();
    *stand_in.answers.incidents.lock().unwrap() = incidents.into();
    stand_in.change(|status| {
        status["settings"] =
            all.iter().map(|text| json!({ "key": text, "value": text, "place": text })).collect();
        (status["reason"], status["sink"]["trouble"]) = (HOSTILE[0].into(), HOSTILE[1].into());
        (status["ready"], status["sink"]["answers"]) = (false.into(), false.into());
        status["build"] = json!({ "version": HOSTILE[0], "revision": HOSTILE[1] });
        status["sink"]["last_delivery"] = json!({ "host": HOSTILE[0], "at": HOSTILE[1], "took_ms": 1.0 });
    });
    let Some(view) = crate::view::View::open(stand_in.address).await else { return };
    view.until("rows", "return document.querySelectorAll('#rows > tr').length >= 10").await;
    view.run("for (const button of document.querySelectorAll('.name')) button.click()").await;
    view.run("for (const details of document.querySelectorAll('details')) details.open = true").await;
    view.run("document.getElementById('more-incidents').click()").await;
    for eyes in crate::view::ALL {
        view.look(eyes).await;
        view.does_not_scroll_sideways(&format!("hostile with {eyes:?}")).await;
        crate::axe::finds_nothing(&view, &format!("hostile with {eyes:?}")).await;
    }
    let found = view
        .run(
            "return {
               harmed: window.harmed ?? null,
               foreign: document.querySelectorAll('img, iframe, object, embed, video, form, base, [onerror], [onload], [style]').length,
               scripts: document.scripts.length,
               links: [...document.querySelectorAll('a')].map((link) => link.getAttribute('href')),
               hidden: (document.body.textContent.match(/[\\u202a-\\u202e\\u2066-\\u2069\\u200b\\ufeff\\u0007\\u001b]/g) ?? []).length,
               names: [...document.querySelectorAll('#rows .name')].map((name) => name.textContent),
               commands: [...document.querySelectorAll('code')].map((code) => code.textContent),
             }",
        )
        .await;
    assert_eq!(
        (&found["harmed"], &found["foreign"], &found["scripts"]),
        (&Value::Null, &0.into(), &1.into()),
        "{found:#}"
    );
    assert_eq!(found["links"], json!(["#hosts", "status", "readyz", "metrics"]));
    assert_eq!(found["hidden"], 0);
    let names: Vec<_> =
        found["names"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    for text in &HOSTILE[..4] {
        assert!(names.contains(text), "{text} is not in {names:?}");
    }
    assert!(names.contains(&"⟨U+202E⟩moc.elpmaxe⟨U+2066⟩"), "{names:?}");
    assert!(names.iter().all(|name| name.chars().count() < 300));
    // A name is one word of a command line, whatever it holds.
    let quoted = "firehose cursor show --host ''\\''; rm -rf ~; echo '\\''$(reboot)`reboot`'";
    assert!(found["commands"].as_array().unwrap().iter().any(|command| command == quoted), "{found:#}");
    view.is_quiet().await;
}
