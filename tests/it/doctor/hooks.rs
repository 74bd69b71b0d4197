//! S053 and S060: what is left of a script after `--fix` has commented out a line.

use std::process::Command;

use super::DevShell;
use crate::wrapper::project::succeeds;

#[requires(sccache, proc)]
#[test]
fn a_block_keeps_a_command() {
    let shell = DevShell::new();
    let profile = "\
if true; then
  sccache --stop-server
fi
stop() {
\tsccache --stop-server >/dev/null 2>&1 || true
}
(
sccache --stop-server
)
echo a | while read -r _; do
  sccache --stop-server
done
";
    shell.write("home/.bashrc", profile);
    shell.is_cured_by_changing(&["home/.bashrc"]);
    let now = shell.machine.sandbox.read("home/.bashrc");
    assert_eq!(now, profile.replace("sccache", ": # sccfg:was sccache"));
    let profile = shell.path("home/.bashrc");
    succeeds(Command::new("bash").arg("-n").arg(profile));
}

#[requires(sccache, proc)]
#[test]
fn a_command_within_another_one_is_reported_and_kept() {
    for profile in [
        "sccache --stop-server \\\n  || true\n",
        "true &&\nsccache --stop-server\necho done\n",
        "true ||\n  sccache --stop-server\necho done\n",
        "cat >hook <<END\nsccache --stop-server\nEND\n",
        "alias stop='\nsccache --stop-server\n'\n",
    ] {
        let shell = DevShell::new();
        shell.write("home/.bashrc", profile);
        let finding = shell.finding();
        assert_eq!(finding["code"], "S053", "{finding:#}");
        assert_eq!(finding["fixable"], false, "{profile}");
        shell.doctor(&["--fix", "--yes"]).status(1);
        assert_eq!(shell.machine.sandbox.read("home/.bashrc"), profile);
    }
}

#[requires(sccache, direnv, proc)]
#[test]
fn the_reported_one_of_equal_lines_is_commented_out() {
    let shell = DevShell::with_direnv();
    let text = shell.machine.sandbox.read("repo/.envrc");
    // Above `use flake`, it is for shells without Nix.
    let line = "export RUSTC_WRAPPER=kache";
    shell.write("repo/.envrc", &format!("{line}\r\n{text}{line}\r\n"));
    shell.allow("repo");
    shell.doctor(&["--fix", "--yes"]).stdout_has("fixed S060");
    let now = shell.machine.sandbox.read("repo/.envrc");
    assert_eq!(now, format!("{line}\r\n{text}# sccfg:was {line}\r\n"));
}
