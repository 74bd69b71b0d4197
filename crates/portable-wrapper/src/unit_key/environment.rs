//! Which variables count for a macro that may read any of them.

use std::collections::BTreeSet;

/// Variables of a shell, terminal, login or run in CI, or for tools that have nothing to do with macros. They count
/// only if the source names them.
const OF_A_SESSION: [&str; 84] = [
    "BUILD_ID",
    "BUILD_NUMBER",
    "CARGO",
    "COLORTERM",
    "COLUMNS",
    "DBUS_SESSION_BUS_ADDRESS",
    "DESKTOP_STARTUP_ID",
    "DISPLAY",
    "DYLD_FALLBACK_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "EDITOR",
    "GITHUB_ENV",
    "GITHUB_EVENT_PATH",
    "GITHUB_JOB",
    "GITHUB_OUTPUT",
    "GITHUB_PATH",
    "GITHUB_STATE",
    "GITHUB_STEP_SUMMARY",
    "GPG_AGENT_INFO",
    "GPG_TTY",
    "HISTCONTROL",
    "HISTFILE",
    "HISTFILESIZE",
    "HISTSIZE",
    "INVOCATION_ID",
    "IN_NIX_SHELL",
    "JOURNAL_STREAM",
    "LD_LIBRARY_PATH",
    "LESS",
    "LINES",
    "LSCOLORS",
    "LS_COLORS",
    "MAIL",
    "MAKEFLAGS",
    "MAKELEVEL",
    "MANAGERPID",
    "MFLAGS",
    "NIX_BUILD_CORES",
    "NIX_BUILD_TOP",
    "NIX_LOG_FD",
    "NO_COLOR",
    "OLDPWD",
    "PAGER",
    "PATH",
    "PROMPT",
    "PROMPT_COMMAND",
    "PS1",
    "PS2",
    "PWD",
    "RUSTC",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOC",
    "RUST_BACKTRACE",
    "RUST_LIB_BACKTRACE",
    "RUST_MIN_STACK",
    "RUST_RECURSION_COUNT",
    "SESSION_MANAGER",
    "SHELL",
    "SHLVL",
    "SSH_AGENT_PID",
    "SSH_AUTH_SOCK",
    "SSH_CLIENT",
    "SSH_CONNECTION",
    "SSH_TTY",
    "STY",
    "SYSTEMD_EXEC_PID",
    "TEMP",
    "TEMPDIR",
    "TERM",
    "TERMINFO",
    "TERMINFO_DIRS",
    "TMP",
    "TMPDIR",
    "VISUAL",
    "WAYLAND_DISPLAY",
    "WINDOW",
    "WINDOWID",
    "XAUTHORITY",
    "XDG_RUNTIME_DIR",
    "_",
    "out",
    "outputs",
    "shellHook",
];
const PREFIXES: [&str; 30] = [
    "ACTIONS_",
    "ALACRITTY_",
    "BASH_FUNC_",
    "BUILDKITE_JOB",
    // Those that describe the crate are in the key anyway.
    "CARGO_",
    "CI_JOB_",
    "CI_PIPELINE_",
    "DIRENV_",
    "GITHUB_ACTION",
    "GITHUB_RUN_",
    "GNOME_TERMINAL_",
    "ITERM_",
    "KITTY_",
    "KONSOLE_",
    "NVIM",
    "RUNNER_",
    "RUSTUP_",
    "SCCACHE_",
    "SCCFG_",
    "STARSHIP_",
    "TERM_",
    "TMUX",
    "VSCODE_",
    "VTE_",
    "WEZTERM_",
    "XDG_ACTIVATION_TOKEN",
    "XDG_SEAT",
    "XDG_SESSION_",
    "XDG_VTNR",
    "ZELLIJ",
];

/// Whether the variable `name` counts for a macro that may read any. `words` are the words and texts of the source.
pub(crate) fn counts(name: &str, words: &BTreeSet<&str>) -> bool {
    let is_of_a_session = OF_A_SESSION.contains(&name)
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
            && !name.starts_with("CARGO_BIN_EXE_");
    !is_of_a_session || may_be_meant(name, words)
}

/// Whether a macro or a script may have built the name of this variable from a word of the source: all of it, or a part
/// between underscores.
pub(crate) fn may_be_meant(name: &str, words: &BTreeSet<&str>) -> bool {
    let is_part = |part: &str| {
        let is_word =
            |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_';
        part.len() > 1 && part.chars().all(is_word) && words.contains(part)
    };
    words.contains(name)
        || name
            .match_indices('_')
            .any(|(at, _)| is_part(&name[..at]) || is_part(&name[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_shell_to_shell_counts_where_it_is_named() {
        let none = BTreeSet::new();
        for name in ["HOME", "LANG", "APPLICATION_PORT", "CARGO_BIN_EXE_x"] {
            assert!(counts(name, &none), "{name}");
        }
        for name in [
            "PWD",
            "SHLVL",
            "SCCACHE_DIR",
            "CARGO_TERM_COLOR",
            "GITHUB_RUN_ID",
        ] {
            assert!(!counts(name, &none), "{name}");
            assert!(counts(name, &BTreeSet::from([name])), "{name}");
        }
        assert!(counts("CARGO_FOO", &BTreeSet::from(["FOO"])));
    }
}
