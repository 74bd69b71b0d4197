//! Servers that a service manager runs. They are stopped and restarted through it: if only the process
//! is stopped, the service manager starts it again.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::process::Process;
use sccfg_util::problem::Problem;
use sccfg_util::proc::Completion;
use sccfg_util::{env, fsio};

/// How long a service manager may take.
const TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Service {
    /// A unit of systemd's user manager.
    Systemd(String),
    /// An agent of launchd, by its label.
    Launchd(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Restart,
    Stop,
}

impl Service {
    /// The service that runs `process`, if one does.
    pub(super) fn of(process: Option<&Process>) -> Option<Self> {
        if cfg!(target_os = "macos") {
            let list = run("launchctl", &["list"]).ok()?;
            return agent(&list).map(|label| Self::Launchd(label.to_owned()));
        }
        let process = process?;
        let unit = process.unit()?;
        let property = ["--user", "show", "--property=MainPID", "--value", &unit];
        let main_pid = run("systemctl", &property).ok()?;
        (main_pid.trim() == process.pid.to_string()).then_some(Self::Systemd(unit))
    }

    /// Runs the service manager's command for `action`.
    ///
    /// # Errors
    /// When the command fails.
    pub(super) fn run(&self, action: Action) -> Result<(), Problem> {
        let (program, args) = self.command(action);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        run(program, &args).map(drop).map_err(|reason| {
            let command = format!("{program} {}", args.join(" "));
            Problem::new(format!("`{command}` failed: {reason}")).hint("see the log of the service")
        })
    }

    fn command(&self, action: Action) -> (&'static str, Vec<String>) {
        match self {
            Self::Systemd(unit) => {
                let verb = match action {
                    Action::Restart => "restart",
                    Action::Stop => "stop",
                };
                let args = ["--user", verb, unit.as_str()];
                ("systemctl", args.map(str::to_owned).into())
            }
            Self::Launchd(label) => {
                let [verb, option] = match action {
                    Action::Restart => ["kickstart", "-k"],
                    Action::Stop => ["kill", "SIGTERM"],
                };
                let target = format!("gui/{}/{label}", fsio::current_uid());
                ("launchctl", vec![verb.into(), option.into(), target])
            }
        }
    }
}

/// The running sccache agent in a list with lines of the form `PID STATUS LABEL`.
fn agent(list: &str) -> Option<&str> {
    list.lines().find_map(|line| {
        let mut fields = line.split_whitespace();
        let pid = fields.next()?;
        let label = fields.nth(1)?;
        let is_ours = label.rsplit('.').next() == Some("sccache");
        (is_ours && pid.parse::<u32>().is_ok()).then_some(label)
    })
}

fn run(name: &str, args: &[&str]) -> Result<String, String> {
    run_for(name, args, TIMEOUT)
}

/// Runs a service manager's program for at most `limit`. Returns its output.
pub(super) fn run_for(name: &str, args: &[&str], limit: Duration) -> Result<String, String> {
    let path = sccfg_util::programs::find_program(name.as_ref(), &env::search_path())
        .ok_or_else(|| format!("could not find {name} on PATH"))?;
    let mut environment = env::vars_where(|_| true);
    environment.extend(session_directory());
    let program = sccfg_util::proc::TimedProgram {
        program: &path,
        name,
        args,
        environment,
        limit,
    };
    match program.run() {
        Ok(Completion::Exited(output)) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Ok(Completion::Exited(output)) => Err(String::from_utf8_lossy(&output.stderr)
            .trim()
            .replace('\n', "; ")),
        Ok(Completion::TimedOut) => Err(format!("timed out after {} seconds", limit.as_secs())),
        Err(error) => Err(error.to_string()),
    }
}

/// Where systemctl finds the manager of the user. Shells of `su`, sudo and cron lack the variable.
fn session_directory() -> Option<(OsString, OsString)> {
    let name = "XDG_RUNTIME_DIR";
    let directory = PathBuf::from(format!("/run/user/{}", fsio::current_uid()));
    (env::var_os(name).is_none() && directory.is_dir()).then(|| (name.into(), directory.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_launchd_agent_is_found_by_its_label() {
        let list =
            "PID\tStatus\tLabel\n-\t0\tcom.apple.x\n812\t0\torg.nix-community.home.sccache\n";
        assert_eq!(agent(list), Some("org.nix-community.home.sccache"));
        assert_eq!(agent("-\t0\torg.nix-community.home.sccache\n"), None);
    }

    #[test]
    fn services_are_restarted_through_their_manager() {
        let unit = Service::Systemd("sccache.service".to_owned());
        let (program, args) = unit.command(Action::Restart);
        assert_eq!(
            (program, args.join(" ")),
            ("systemctl", "--user restart sccache.service".to_owned())
        );
        let (program, args) = Service::Launchd("a.sccache".to_owned()).command(Action::Restart);
        assert_eq!(program, "launchctl");
        assert!(args.join(" ").starts_with("kickstart -k gui/"));
    }
}
