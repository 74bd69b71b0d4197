//! Decides which variables count for a macro that may read any variable.

use std::borrow::Borrow;
use std::collections::BTreeSet;

/// Variables of a shell, terminal, desktop session, login or CI job, or for tools that are unrelated to macros and build
/// scripts. They count only if the source names them. Many differ in each terminal or job, and some in each command.
///
/// Of CI: the variables that GitHub Actions, GitLab CI, Buildkite, Jenkins, Azure Pipelines and others document. `CI` itself counts.
const OF_A_SESSION: [&str; 135] = [
    "AGENT_ID",
    "BRANCH_NAME",
    "BUILD_DISPLAY_NAME",
    "BUILD_ID",
    "BUILD_NUMBER",
    "BUILD_REASON",
    "BUILD_SUBMITTER",
    "BUILD_TAG",
    "BUILD_URL",
    "BUILD_VCS_NUMBER",
    "CARGO",
    "CHROME_DESKTOP",
    "COLORTERM",
    "COLUMNS",
    "COMMAND_MODE",
    "DBUS_SESSION_BUS_ADDRESS",
    "DESKTOP_SESSION",
    "DESKTOP_STARTUP_ID",
    "DISPLAY",
    "DYLD_FALLBACK_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "EDITOR",
    "EXECUTOR_NUMBER",
    "GDMSESSION",
    "GIT_ASKPASS",
    "GIT_BRANCH",
    "GIT_COMMIT",
    "GIT_EDITOR",
    "GIT_LOCAL_BRANCH",
    "GIT_PAGER",
    "GIT_PREVIOUS_COMMIT",
    "GIT_PREVIOUS_SUCCESSFUL_COMMIT",
    "GIT_URL",
    "GPG_AGENT_INFO",
    "GPG_TTY",
    "HISTCONTROL",
    "HISTFILE",
    "HISTFILESIZE",
    "HISTSIZE",
    "I3SOCK",
    "INSIDE_EMACS",
    "INVOCATION_ID",
    "IN_NIX_SHELL",
    "ImageVersion",
    "JOB_BASE_NAME",
    "JOB_ID",
    "JOB_NAME",
    "JOB_URL",
    "JOURNAL_STREAM",
    "KRB5CCNAME",
    "LC_TERMINAL",
    "LC_TERMINAL_VERSION",
    "LD_LIBRARY_PATH",
    "LESS",
    "LINES",
    "LSCOLORS",
    "LS_COLORS",
    "LaunchInstanceID",
    "MAIL",
    "MAKEFLAGS",
    "MAKELEVEL",
    "MANAGERPID",
    "MANPAGER",
    "MFLAGS",
    "NIRI_SOCKET",
    "NIX_BUILD_CORES",
    "NIX_BUILD_TOP",
    "NIX_GCROOT",
    "NIX_LOG_FD",
    "NODE_LABELS",
    "NODE_NAME",
    "NOTIFY_SOCKET",
    "NO_COLOR",
    "OLDPWD",
    "ORIGINAL_XDG_CURRENT_DESKTOP",
    "PAGER",
    "PATH",
    "PROMPT",
    "PROMPT_COMMAND",
    "PS1",
    "PS2",
    "PWD",
    "RUN_DISPLAY_URL",
    "RUSTC",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOC",
    "RUST_BACKTRACE",
    "RUST_LIB_BACKTRACE",
    "RUST_MIN_STACK",
    "RUST_RECURSION_COUNT",
    "SECURITYSESSIONID",
    "SESSION_MANAGER",
    "SHELL",
    "SHELL_SESSION_ID",
    "SHLVL",
    "SSH_AGENT_PID",
    "SSH_ASKPASS",
    "SSH_AUTH_SOCK",
    "SSH_CLIENT",
    "SSH_CONNECTION",
    "SSH_TTY",
    "STAGE_NAME",
    "STY",
    "SWAYSOCK",
    "SYSTEMD_EXEC_PID",
    "TEMP",
    "TEMPDIR",
    "TERM",
    "TERMINAL_EMULATOR",
    "TERMINFO",
    "TERMINFO_DIRS",
    "TF_BUILD",
    "TMP",
    "TMPDIR",
    "VISUAL",
    "WAYLAND_DISPLAY",
    "WINDOW",
    "WINDOWID",
    "WORKSPACE_TMP",
    "WT_PROFILE_ID",
    "WT_SESSION",
    "XAUTHORITY",
    "XDG_BACKEND",
    "XDG_CURRENT_DESKTOP",
    "XDG_MENU_PREFIX",
    "XDG_RUNTIME_DIR",
    "XPC_FLAGS",
    "XPC_SERVICE_NAME",
    "_",
    "__CFBundleIdentifier",
    "__CF_USER_TEXT_ENCODING",
    "out",
    "outputs",
    "shellHook",
];
const PREFIXES: [&str; 74] = [
    "ACTIONS_",
    "ALACRITTY_",
    "APPVEYOR_",
    "ATUIN_",
    "BASH_FUNC_",
    "BITBUCKET_",
    "BUILDKITE",
    "BUILD_BUILD",
    "BUILD_DEFINITION",
    "BUILD_QUEUEDBY",
    "BUILD_REQUESTEDFOR",
    "BUILD_SOURCEBRANCH",
    "BUILD_SOURCEVERSION",
    // The variables that describe the crate are in the key anyway.
    "CARGO_",
    "CIRCLE_",
    "CIRRUS_",
    "CI_",
    "CODEBUILD_",
    "DEVENV_",
    "DIRENV_",
    "DRONE_",
    "ELECTRON_",
    "FORGEJO_",
    "GHOSTTY_",
    "GIO_LAUNCHED_",
    "GITEA_",
    "GITHUB_",
    "GITLAB_",
    "GNOME_",
    "HUDSON_",
    "HYPRLAND_",
    "ITERM_",
    "JENKINS_",
    "KDE_",
    "KITTY_",
    "KONSOLE_",
    "MCFLY_",
    "MEMORY_PRESSURE_",
    "NIX_DIRENV_",
    "NVIM",
    "P9K_",
    "RUNNER_",
    "RUSTUP_",
    "SCCACHE_",
    "SCCFG_",
    "SEMAPHORE_",
    "SSH_",
    "STARSHIP_",
    "SUDO_",
    "SYSTEM_ACCESSTOKEN",
    "SYSTEM_DEFINITION",
    "SYSTEM_JOB",
    "SYSTEM_PHASE",
    "SYSTEM_PIPELINE",
    "SYSTEM_PLAN",
    "SYSTEM_PULLREQUEST",
    "SYSTEM_STAGE",
    "SYSTEM_TASK",
    "SYSTEM_TIMELINE",
    "TEAMCITY_",
    "TERM_",
    "TMUX",
    "TRAVIS_",
    "VSCODE_",
    "VTE_",
    "WARP_",
    "WEZTERM_",
    "WSL",
    "XDG_ACTIVATION_TOKEN",
    "XDG_SEAT",
    "XDG_SESSION_",
    "XDG_VTNR",
    "ZELLIJ",
    "_P9K_",
];

/// Whether the variable `name` counts for a macro that may read any. `words` are the words and texts of the source.
pub(crate) fn counts(name: &str, words: &BTreeSet<impl Borrow<str> + Ord>) -> bool {
    !is_of_a_session(name) || may_be_meant(name, words)
}

fn is_of_a_session(name: &str) -> bool {
    OF_A_SESSION.contains(&name)
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
            && !name.starts_with("CARGO_BIN_EXE_")
}

/// Whether a macro or a script may have composed the name of this variable from a word of the source: the whole name, or a part
/// between underscores. A single word such as `PATH` does not count as the last part of a name such as `GITHUB_PATH`, because
/// it is too common: `cc`, which looks variables up in a list of all, has it. `PATH` counts as the last part of a name that is
/// not of a session if another part is a word of the source as well.
pub(crate) fn may_be_meant(name: &str, words: &BTreeSet<impl Borrow<str> + Ord>) -> bool {
    let is_part = |part: &str| {
        let is_word =
            |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_';
        part.len() > 1 && part.chars().all(is_word) && words.contains(part)
    };
    let is_other_path = |rest: &str| !rest.split('_').any(is_part);
    let is_common = |part: &str| {
        let may_be = is_of_a_session(name) && !name.starts_with("CARGO_");
        may_be && !part.contains('_') && (part == "CI" || name.ends_with(part))
            || part == "PATH" && name.strip_suffix("_PATH").is_some_and(is_other_path)
    };
    // It has the file descriptors of cargo's jobserver, which differ between commands.
    let is_jobserver = name == "CARGO_MAKEFLAGS";
    let is_one =
        |part: &str| !is_common(part) && is_part(part) && !(is_jobserver && part == "CARGO");
    words.contains(name)
        || name.match_indices('_').any(|(at, _)| {
            is_one(&name[..at])
                || is_one(&name[..=at])
                || is_one(&name[at..])
                || is_one(&name[at + 1..])
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_variables_count_only_if_they_are_named() {
        let none = BTreeSet::<&str>::new();
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
        assert!(counts("CARGO_FOO", &BTreeSet::from(["CARGO"])));
        assert!(!counts("CARGO_MAKEFLAGS", &BTreeSet::from(["CARGO"])));
        for named in ["MAKEFLAGS", "CARGO_MAKEFLAGS"] {
            assert!(counts("CARGO_MAKEFLAGS", &BTreeSet::from([named])));
        }
        assert!(counts("GITHUB_PATH", &BTreeSet::from(["GITHUB_"])));
        assert!(counts("GITHUB_PATH", &BTreeSet::from(["_PATH"])));
        assert!(!counts("GITHUB_PATH", &BTreeSet::from(["PATH"])));
    }

    #[test]
    fn the_word_path_means_other_paths_only_with_another_part_of_their_names() {
        let name = "QT_PLUGIN_PATH";
        assert!(!may_be_meant(name, &BTreeSet::from(["PATH", "CC"])));
        for words in [["PATH", "QT"], ["PATH", "PLUGIN"], ["_PATH", "CC"]] {
            assert!(may_be_meant(name, &BTreeSet::from(words)), "{words:?}");
        }
        assert!(may_be_meant("PATH_QT", &BTreeSet::from(["PATH"])));
    }
}
