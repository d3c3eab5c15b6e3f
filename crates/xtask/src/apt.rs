use std::process::Command;

use crate::process::{on_path, run, said, succeeds};

/// Installs packages, as root, or where sudo asks nothing; says why not, where it does not. Services of theirs are not
/// started.
pub(crate) fn install(packages: &[&str]) {
    if on_path("apt-get").is_none() {
        return;
    }
    let is_root =
        Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    let may_sudo = || succeeds(Command::new("sudo").args(["-n", "true"]));
    if !is_root && !may_sudo() {
        println!("apt-get needs root here, and sudo would ask for a password");
        return;
    }
    let apt = |arguments: &[&str]| {
        let mut command = if is_root { Command::new("env") } else { Command::new("sudo") };
        if !is_root {
            command.args(["-n", "env"]);
        }
        // In runlevel 1 Debian's maintainer scripts start no service.
        command.args(["RUNLEVEL=1", "DEBIAN_FRONTEND=noninteractive", "apt-get"]).args(arguments);
        said(run(&mut command));
    };
    apt(&["update", "-q"]);
    let install = ["install", "-y", "-q", "--no-install-recommends"];
    apt(&install.into_iter().chain(packages.iter().copied()).collect::<Vec<_>>());
}
