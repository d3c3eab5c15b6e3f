//! What people write: several scripts, and everything that JSON has to escape.

use fastrand::Rng;

const PHRASES: [&str; 22] = [
    "just setting up my pds",
    "coffee first, then the rest of the world",
    "the heron is back at the pond ",
    "naïve façade, smørrebrød & Ünïcödé",
    "今日はとても良い天気ですね。散歩に行こう",
    "새로운 소식이 있으면 알려 주세요",
    "Привет, как дела? Всё хорошо",
    "مرحبا بالعالم، كيف حالك اليوم",
    "שלום לכולם",
    "नमस्ते दुनिया, आज का दिन अच्छा है",
    "สวัสดีตอนเช้า",
    "👋🏽 so good 🎉🔥",
    "👩‍👩‍👧‍👧 family dinner 🇳🇿",
    "she said \"never again\" and meant it",
    "C:\\temp\\new or /var/tmp?",
    "<b>not</b> markup & never was",
    "line one\nline two\r\n\tindented",
    "control \u{1}\u{8}\u{c}\u{1f}\u{7f} characters",
    "separators \u{2028} and \u{2029} inside",
    "math: ∀x∈ℝ, 𝔸≠𝔹, zero\u{200b}width, \u{feff}mark",
    "{\"looks\": [\"like\", \"json\"]}",
    "e\u{301} is not é, \u{fffd} is not an error",
];

const LANGUAGES: [&str; 6] = ["en", "ja", "ko", "pt-BR", "de", "ar"];

const HANDLE_ENDINGS: [&str; 4] =
    ["bsky.social", "example.com", "sub.domain.example.org", "xn--bcher-kva.example"];

/// One to six phrases.
pub(crate) fn sentence(rng: &mut Rng) -> String {
    let phrases: Vec<&str> = (0..rng.usize(1..=6)).map(|_| PHRASES[rng.usize(..PHRASES.len())]).collect();
    phrases.join(" ")
}

/// One phrase.
pub(crate) fn phrase(rng: &mut Rng) -> &'static str {
    PHRASES[rng.usize(..PHRASES.len())]
}

/// A language tag.
pub(crate) fn language(rng: &mut Rng) -> &'static str {
    LANGUAGES[rng.usize(..LANGUAGES.len())]
}

/// The handle of account number `account`.
pub(crate) fn handle(account: u64) -> String {
    let ending = usize::try_from(account % 4).unwrap_or(0);
    format!("account-{account}.{}", HANDLE_ENDINGS[ending])
}
