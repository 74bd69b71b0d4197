//! Evaluates shells with real Nix and the inputs of `tests/world`.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, fs};

use nix_shell_edit::{Edited, How};
use sccfg::sccfg_toml::Incremental;

use crate::fuzzing::flakes::Flake;
use crate::fuzzing::judge::{HOOK, Violation, Wish, has_hook};

/// What a shell is for real Nix, with the inputs of `tests/world`.
#[derive(Debug, serde::Deserialize)]
struct Shell {
    hook: String,
    variables: BTreeMap<String, String>,
}

/// Checks the shell's variables and hook.
pub(crate) fn evaluated(
    flake: &Flake,
    edited: &Edited,
    wish: &Wish,
    shell: &str,
) -> Result<(), Violation> {
    let broken = |property, details| Err(Violation { property, details });
    let Ok(before) = nix_shell(flake, shell) else {
        // It needs something that is not there, but its text may still be judged.
        for file in &edited.files {
            if let Err(details) = nix_reads(&file.after)
                && nix_reads(&file.before).is_ok()
            {
                return broken("real Nix reads the result", details);
            }
        }
        return Ok(());
    };
    EVALUATED.fetch_add(1, Ordering::Relaxed);
    let files = edited.files.iter();
    let changed = flake.with(files.map(|file| (file.path.clone(), file.after.clone())));
    let after = match nix_shell(&changed, shell) {
        Ok(after) => after,
        Err(details) => return broken("real Nix evaluates the result", details),
    };
    let both = || format!("{before:#?}\n{after:#?}");
    let wrapper = after.variables.get("RUSTC_WRAPPER").map(String::as_str);
    let sccache = after.variables.get("SCCFG_SCCACHE").map(String::as_str);
    let has_wrapper = if wish.has_input {
        wrapper == Some("/sccfg/libexec/sccfg/sccache") && sccache == Some("/sccache/bin/sccache")
    } else {
        wrapper == Some("/sccache/bin/sccache")
    };
    if !has_wrapper {
        return broken("the shell has the wrapper", both());
    }
    // From outside, an attribute cannot be taken out; the hook unsets the variable.
    let is_wrapped = edited
        .touched
        .iter()
        .any(|touched| touched.how == How::Wrapped);
    let value = after.variables.get("CARGO_INCREMENTAL").map(String::as_str);
    let is_off = wish.incremental == Incremental::Off;
    if value != is_off.then_some("0") && (is_off || !is_wrapped) {
        return broken("the shell has the policy's incremental", both());
    }
    let set = ["RUSTC_WRAPPER", "CARGO_INCREMENTAL", "SCCFG_SCCACHE"];
    let left = [
        "CARGO_BUILD_INCREMENTAL",
        "SCCACHE_DIR",
        "SCCACHE_CACHE_SIZE",
    ];
    if !is_wrapped && left.iter().any(|name| after.variables.contains_key(*name)) {
        return broken("the shell leaves the rest to the hook", both());
    }
    let others = |shell: &Shell| {
        let mut variables = shell.variables.clone();
        variables.retain(|name, _| !set.contains(&name.as_str()) && !left.contains(&name.as_str()));
        variables
    };
    if others(&before) != others(&after) {
        return broken("the shell's other variables stay", both());
    }
    let brought = after.hook.replacen("PATH=/sccfg/bin:$PATH\n", "", 1);
    let hook = match (wish.has_input, brought != after.hook) {
        (true, true) => brought,
        (false, false) => after.hook.clone(),
        _ => return broken("the shell brings sccfg", both()),
    };
    if !has_hook(&hook) {
        return broken("the shell's hook starts with ours", both());
    }
    // The position of a line in a sum of strings may change, its text may not.
    let lines = |text: &str| -> Vec<String> {
        let lines = text.lines().map(|line| line.trim().to_owned());
        lines.filter(|line| !line.is_empty()).collect()
    };
    let stripped = nix_shell_edit::strip(Path::new("hook"), &after.hook).unwrap_or_default();
    if !lines(&stripped).ends_with(&lines(&before.hook)) {
        return broken("the shell's own hook stays", both());
    }
    Ok(())
}

/// How many shells were evaluated.
pub(crate) static EVALUATED: AtomicU64 = AtomicU64::new(0);

/// Evaluates a shell of `flake`.
fn nix_shell(flake: &Flake, shell: &str) -> Result<Shell, String> {
    let directory = env::temp_dir().join(format!("sccfg-fuzz-{}", std::process::id()));
    if directory.exists() {
        fs::remove_dir_all(&directory).unwrap();
    }
    for (path, text) in &flake.files {
        let path = directory.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let shell = nix_shell_edit::quote::string(shell);
    let expression = format!(
        "removeAttrs (import {}/tests/world {{ flake = {}; shell = {shell}; hook = {}; }}) [ \"pkgs\" ]",
        env!("CARGO_MANIFEST_DIR"),
        directory.display(),
        nix_shell_edit::quote::string(HOOK)
    );
    let output = Command::new("nix-instantiate")
        .args(["--eval", "--strict", "--json", "-E", &expression])
        .output()
        .unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())
}

fn nix_reads(text: &str) -> Result<(), String> {
    let mut nix = Command::new("nix-instantiate")
        .args(["--parse", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may stop reading at the first error.
    let _ = nix.stdin.take().unwrap().write_all(text.as_bytes());
    let output = nix.wait_with_output().unwrap();
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}
