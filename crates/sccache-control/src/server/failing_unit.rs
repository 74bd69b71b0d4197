//! The unit of sccache's server in systemd's user manager, if it cannot run.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::service::run_for;
use sccfg_util::fsio;
use sccfg_util::problem::Problem;

/// The name that the modules for home-manager and NixOS give to the unit.
pub const UNIT: &str = "sccache.service";
/// The status with which the unit's program ends if another server has the address and is in use.
const ADDRESS_IN_USE: i32 = 1;
/// How long systemd's user manager may take.
const LIMIT: Duration = Duration::from_secs(5);

/// The unit, which has failed, or fails each time it is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailingUnit {
    /// Whether systemd starts it again.
    restarts: bool,
    reason: Reason,
}

/// The reason of a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Reason {
    ExitStatus(i32),
    Signal(i32),
    /// systemd cannot read the file with variables, because of this.
    EnvironmentFile(PathBuf, String),
    /// Another of systemd's results, such as `oom-kill`.
    Other(String),
}

impl FailingUnit {
    /// Asks systemd's user manager. `None` if there is no manager, or no such unit, or it does not fail. A unit that waits until
    /// the server at its address is idle does not fail: `is_address_in_use` says whether there is one.
    pub fn find(is_address_in_use: bool) -> Option<Self> {
        let properties =
            "--property=LoadState,ActiveState,SubState,Result,ExecMainStatus,EnvironmentFiles";
        let shown = run_for("systemctl", &["--user", "show", properties, UNIT], LIMIT).ok()?;
        let unit = Self::parse(&shown)?;
        let waits = is_address_in_use && unit.reason == Reason::ExitStatus(ADDRESS_IN_USE);
        (!waits).then_some(unit)
    }

    /// Reads the output of `systemctl show`.
    fn parse(shown: &str) -> Option<Self> {
        let property = |name: &str| {
            let mut lines = shown.lines().filter_map(|line| line.split_once('='));
            lines.find_map(|(known, value)| (known == name).then_some(value))
        };
        if property("LoadState") != Some("loaded") {
            return None;
        }
        let has_failed = property("ActiveState") == Some("failed");
        // `auto-restart-queued` since systemd 254.
        let restarts = property("SubState").is_some_and(|state| state.starts_with("auto-restart"));
        if !has_failed && !restarts {
            return None;
        }
        let result = property("Result").unwrap_or_default();
        let status = property("ExecMainStatus").and_then(|status| status.parse().ok());
        let reason = match (result, status) {
            ("exit-code", Some(status)) => Reason::ExitStatus(status),
            ("signal" | "core-dump", Some(signal)) => Reason::Signal(signal),
            ("resources", _) => unreadable_file(shown).unwrap_or(Reason::Other(result.to_owned())),
            _ => Reason::Other(result.to_owned()),
        };
        Some(Self { restarts, reason })
    }

    /// The failure and its reason, in one sentence.
    pub fn describe(&self) -> String {
        let state = if self.restarts {
            "fails again and again"
        } else {
            "has failed"
        };
        format!("{UNIT} {state}: {}", self.reason())
    }

    /// How to find the reason, or to correct it.
    pub fn hint(&self) -> String {
        match &self.reason {
            Reason::EnvironmentFile(..) => format!(
                "create the file, or correct `environmentFile` of the back end; then run `systemctl --user restart {UNIT}`"
            ),
            _ => format!(
                "`systemctl --user status {UNIT}` and `journalctl --user --unit {UNIT}` show the reason"
            ),
        }
    }

    /// The failure as an error.
    pub fn problem(&self) -> Problem {
        Problem::new(self.describe()).hint(self.hint())
    }

    /// For the output of programs.
    pub fn json(&self) -> Value {
        let state = if self.restarts {
            "auto-restart"
        } else {
            "failed"
        };
        json!({ "unit": UNIT, "state": state, "reason": self.reason() })
    }

    fn reason(&self) -> String {
        match &self.reason {
            Reason::ExitStatus(status) => format!("exit status {status}"),
            Reason::Signal(signal) => format!("ended by signal {signal}"),
            Reason::EnvironmentFile(path, why) => {
                format!("its environment file {} {why}", path.display())
            }
            Reason::Other(result) => format!("systemd's result is `{result}`"),
        }
    }
}

/// The first file with variables of the unit that cannot be read.
fn unreadable_file(shown: &str) -> Option<Reason> {
    let files = shown.lines().filter_map(|line| {
        let file = line.strip_prefix("EnvironmentFiles=")?;
        file.strip_suffix(" (ignore_errors=no)")
    });
    files.map(PathBuf::from).find_map(|path| {
        let why = match fsio::open(&path) {
            Ok(_) => return None,
            Err(error) if error.kind() == ErrorKind::NotFound => "does not exist".to_owned(),
            Err(error) => format!("cannot be read: {error}"),
        };
        Some(Reason::EnvironmentFile(path, why))
    })
}
