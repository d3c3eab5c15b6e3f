//! By keyboard, and by ear.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::rig::Rig;
use crate::view::{NARROW, WIDE};

/// Tab and Enter as `WebDriver` has them.
const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_reached_and_worked_by_keyboard_and_the_focus_is_seen() {
    let mut rig = Rig::new(2, 100).await;
    rig.was_read(1, 31_527_015_322).await;
    rig.daemon.start().unwrap();
    rig.is(0, "streaming").await;
    rig.is(1, "held").await;
    let Some(view) = rig.view().await else { return };
    for eyes in [WIDE, NARROW] {
        view.look(eyes).await;
        view.reload().await;
        view.agrees().await;
        let wanted: HashSet<String> = view
            .run(
                "let number = 0;
                 const all = [...document.querySelectorAll('a[href], button, input, summary')].filter((it) => it.checkVisibility());
                 for (const it of all) it.dataset.reach = `${it.tagName} ${it.textContent.slice(0, 40)} ${number += 1}`;
                 return all.map((it) => it.dataset.reach)",
            )
            .await
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it.as_str().unwrap().to_owned())
            .collect();
        let mut reached = HashSet::new();
        let mut order = Vec::new();
        for _ in 0..wanted.len() + 3 {
            view.browser.press(TAB).await.unwrap();
            let at = view
                .run(
                    "const it = document.activeElement; const style = getComputedStyle(it); const box = it.getBoundingClientRect();
                     return [it.dataset.reach ?? null, style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
                       box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth, it.tagName]",
                )
                .await;
            let Some(name) = at[0].as_str() else { continue };
            assert!(at[1] == true && at[2] == true, "the focus is not seen at {at}");
            order.push(name.to_owned());
            reached.insert(name.to_owned());
        }
        let missed: Vec<_> = wanted.difference(&reached).collect();
        assert!(missed.is_empty(), "{missed:?} are not reached; the order is {order:?}");
        assert!(order[0].starts_with("A Go to the hosts"), "{order:?}");
    }

    // A host is opened and closed, and keeps the focus while the rows are drawn again.
    view.look(WIDE).await;
    view.run("document.querySelector('#rows .name').focus()").await;
    view.browser.press(ENTER).await.unwrap();
    view.until("the details", "return document.querySelector('#rows > .more')?.checkVisibility() ?? false")
        .await;
    let told = view
        .run(
            "const button = document.querySelector('#rows .name'); const more = document.getElementById(button.getAttribute('aria-controls'));
             return [button.getAttribute('aria-expanded'), more.textContent.includes('Connected since'), document.activeElement === button]",
        )
        .await;
    assert_eq!(told, json!(["true", true, true]));
    view.browser.press(ENTER).await.unwrap();
    view.until("no details", "return document.querySelector('#rows > .more') === null").await;

    // A command is copied, and that is said.
    view.run("document.querySelector('.copy').focus()").await;
    view.browser.press(ENTER).await.unwrap();
    view.until("a word", "return /Copied|Selected/.test(document.getElementById('said').textContent)").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_screen_reader_finds_a_table_with_its_heads_at_every_width() {
    let mut rig = Rig::new(3, 100).await;
    rig.daemon.start().unwrap();
    for number in 0..3 {
        rig.is(number, "streaming").await;
    }
    let Some(view) = rig.view().await else { return };
    for eyes in [WIDE, NARROW] {
        view.look(eyes).await;
        view.agrees().await;
        let tree = view.browser.devtools("Accessibility.getFullAXTree", &json!({})).await.unwrap();
        let nodes: Vec<_> =
            tree["nodes"].as_array().unwrap().iter().filter(|node| node["ignored"] != true).collect();
        let count = |role: &str| nodes.iter().filter(|node| node["role"]["value"] == role).count();
        let name = |role: &str| {
            nodes
                .iter()
                .filter(|node| node["role"]["value"] == role)
                .map(|node| &node["name"]["value"])
                .collect::<Vec<&Value>>()
        };
        assert_eq!((count("main"), count("banner"), count("contentinfo")), (1, 1, 1));
        assert_eq!(
            (count("table"), count("row"), count("columnheader"), count("rowheader")),
            (1, 4, 8, 3),
            "{eyes:?}"
        );
        assert!(name("heading").iter().any(|name| **name == "All 3 hosts stream"), "{:?}", name("heading"));
        assert!(name("meter").iter().any(|name| **name == "Entries in the stream"));
        assert!(count("status") >= 2);
    }
}
