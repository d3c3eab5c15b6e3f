//! How an image's binaries are compiled where what was compiled before is kept: deploy/compile.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use tempfile::TempDir;

use crate::containers::engine::said;
use crate::files::root;

/// A checkout of a program that says one word.
struct Checkout {
    folder: TempDir,
}

impl Checkout {
    fn saying(word: &str) -> Self {
        let checkout = Self { folder: tempfile::tempdir().unwrap() };
        let manifest = "[package]\nname = \"speaker\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
                        [profile.dist]\ninherits = \"dev\"\n";
        checkout.write("Cargo.toml", manifest);
        checkout.write("Cargo.lock", "version = 4\n\n[[package]]\nname = \"speaker\"\nversion = \"0.0.0\"\n");
        checkout.write("src/main.rs", "mod word;\nfn main() {\n    println!(\"{}\", word::WORD);\n}\n");
        checkout.write("src/word.rs", &format!("pub const WORD: &str = \"{word}\";\n"));
        checkout
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// A file that was written long ago.
    fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_hours(24)).unwrap();
    }

    /// Whether it could be compiled, and what cargo said.
    fn compile(&self, kept: &Path) -> (bool, String) {
        let mut compile = Command::new(root().join("deploy/compile").canonicalize().unwrap());
        said(compile.arg(kept).arg(kept.join("out")).arg("speaker").current_dir(self.folder.path()))
    }
}

/// What the compiled program says.
fn spoken(kept: &Path) -> String {
    let (succeeded, word) = said(&mut Command::new(kept.join("out/speaker")));
    assert!(succeeded, "{word}");
    word.trim().to_owned()
}

#[test]
fn what_is_compiled_is_what_is_there_however_old_its_files_are() {
    let kept = tempfile::tempdir().unwrap();
    for word in ["first", "second", "first"] {
        let (succeeded, cargo) = Checkout::saying(word).compile(kept.path());
        assert!(succeeded && cargo.contains("Compiling"), "{word}: {cargo}");
        assert_eq!(spoken(kept.path()), word, "{cargo}");
    }
    let (succeeded, cargo) = Checkout::saying("first").compile(kept.path());
    assert!(succeeded && !cargo.contains("Compiling"), "compiled again for nothing: {cargo}");
}

#[test]
fn a_file_that_is_gone_from_the_checkout_is_gone_from_what_is_compiled() {
    let kept = tempfile::tempdir().unwrap();
    let checkout = Checkout::saying("first");
    assert!(checkout.compile(kept.path()).0);
    fs::remove_file(checkout.path("src/word.rs")).unwrap();
    let (succeeded, cargo) = checkout.compile(kept.path());
    assert!(!succeeded && cargo.contains("word"), "{cargo}");
    // Nothing of the failure stays.
    checkout.write("src/word/mod.rs", "pub const WORD: &str = \"second\";\n");
    assert!(checkout.compile(kept.path()).0);
    assert_eq!(spoken(kept.path()), "second");
    fs::remove_dir_all(checkout.path("src/word")).unwrap();
    assert!(!checkout.compile(kept.path()).0);
    assert!(!kept.path().join("tree/src/word").exists(), "a folder without files is left");
}
