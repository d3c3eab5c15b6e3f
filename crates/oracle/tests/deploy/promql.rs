//! Which metrics and labels an expression names, and whether there are such.

use crate::known::Known;

/// Words of the language that stand where a metric could.
const WORDS: [&str; 12] = [
    "and",
    "or",
    "unless",
    "by",
    "on",
    "without",
    "ignoring",
    "offset",
    "bool",
    "group_left",
    "group_right",
    "vector",
];
/// After these, a list of labels follows.
const LISTS: [&str; 6] = ["by", "on", "without", "ignoring", "group_left", "group_right"];

/// What is wrong with an expression: one sentence for each name that does not exist.
///
/// Labels in braces are held against the metric before them; labels in lists against all metrics of the expression.
pub(crate) fn flaws(expression: &str, known: &Known) -> Vec<String> {
    let mut flaws = Vec::new();
    let (mut metrics, mut listed) = (Vec::new(), Vec::new());
    let mut rest = expression;
    while let Some(sign) = rest.chars().next() {
        let word: &str = &rest[..rest.find(|sign: char| !is_of_word(sign)).unwrap_or(rest.len())];
        // Numbers, durations, and variables of a dashboard.
        if word.is_empty() || word.starts_with(|sign: char| sign.is_ascii_digit() || sign == '$') {
            rest = &rest[word.len().max(sign.len_utf8())..];
            continue;
        }
        rest = rest[word.len()..].trim_start();
        if LISTS.contains(&word) {
            let (list, after) = enclosed(rest, '(', ')');
            listed.extend(
                list.split(',').map(|label| label.trim().to_owned()).filter(|label| !label.is_empty()),
            );
            rest = after;
        } else if !WORDS.contains(&word)
            && !["(", "by ", "without "].iter().any(|after| rest.starts_with(after))
        {
            if !known.has(word) {
                flaws.push(format!("there is no metric {word}"));
            }
            metrics.push(word);
            if rest.starts_with('{') {
                let (matchers, after) = enclosed(rest, '{', '}');
                flaws.extend(matchers_flaws(word, matchers, known));
                rest = after;
            }
        }
    }
    for label in listed {
        if !metrics.iter().any(|metric| known.has_label(metric, &label)) {
            flaws.push(format!("no metric of it has the label {label}"));
        }
    }
    if metrics.is_empty() {
        flaws.push("it names no metric".to_owned());
    }
    flaws.into_iter().map(|flaw| format!("{flaw}, in {expression}")).collect()
}

fn matchers_flaws(metric: &str, matchers: &str, known: &Known) -> Vec<String> {
    let mut flaws = Vec::new();
    let mut rest = matchers;
    while let Some((label, after)) = rest.split_once(['=', '!']) {
        let label = label.trim_matches([' ', ',']);
        let (value, after) = enclosed(&after[after.find('"').unwrap()..], '"', '"');
        if known.has(metric) && !known.has_label(metric, label) {
            flaws.push(format!("{metric} has no label {label}"));
        }
        // A variable of a dashboard stands for what there is.
        for word in value.split('|').filter(|word| !word.starts_with('$') && *word != ".*") {
            if !known.may_be(label, word) {
                flaws.push(format!("{label} is never {word}"));
            }
        }
        rest = after;
    }
    flaws
}

/// What stands between the first two of these signs, and what comes after.
fn enclosed(text: &str, open: char, close: char) -> (&str, &str) {
    text.strip_prefix(open).and_then(|text| text.split_once(close)).unwrap_or(("", text))
}

fn is_of_word(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || ['_', ':', '$'].contains(&sign)
}

#[test]
fn names_that_do_not_exist_are_found() {
    let known = Known::with_recorded();
    let check = |expression: &str, expected: &[&str]| {
        let expected: Vec<_> = expected.iter().map(|flaw| format!("{flaw}, in {expression}")).collect();
        assert_eq!(flaws(expression, &known), expected);
    };
    check("topk($top, standpipe_lag_seconds{job=\"firehose\", host=~\"$host\"}) > 5", &[]);
    check("sum by (job, le) (rate(standpipe_delivery_seconds_bucket[5m])) or vector(0)", &[]);
    check("instance_host:standpipe_served:max{host=\"a\"} == 0", &[]);
    check("standpipe_lags", &["there is no metric standpipe_lags"]);
    check("rate(standpipe_frames[5m])", &["there is no metric standpipe_frames"]);
    check("standpipe_ready{host=\"a\"}", &["standpipe_ready has no label host"]);
    check("standpipe_state{state=~\"full|fool\"}", &["state is never fool"]);
    check("sum by (stream) (standpipe_frames_total)", &["no metric of it has the label stream"]);
    check(
        "instance_state:standpipe_hosts:count{host=\"a\"}",
        &["instance_state:standpipe_hosts:count has no label host"],
    );
    check("vector(1)", &["it names no metric"]);
}
