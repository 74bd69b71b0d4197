//! Servers that a service manager runs: whoever else stops one of these only makes it start again.

use std::time::Duration;

use super::process::Process;
use sccfg_util::problem::Problem;
use sccfg_util::proc::Ended;
use sccfg_util::{env, fsio};

/// A server's unit or agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Service {
    /// A unit of systemd's user manager.
    Systemd(String),
    /// An agent of launchd, by its label.
    Launchd(String),
}

/// What a service manager is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Start the service again.
    Restart,
    /// Stop it.
    Stop,
}

/// The service that runs `process`, if one does.
pub fn of(process: Option<&Process>) -> Option<Service> {
    if cfg!(target_os = "macos") {
        let said = run("launchctl", &["list"]).ok()?;
        return agent(&said).map(|label| Service::Launchd(label.to_owned()));
    }
    let process = process?;
    let unit = process.unit()?;
    let property = ["--user", "show", "--property=MainPID", "--value", &unit];
    let said = run("systemctl", &property).ok()?;
    (said.trim() == process.pid.to_string()).then_some(Service::Systemd(unit))
}

impl Service {
    /// Has the service manager do it.
    ///
    /// # Errors
    /// When it cannot.
    pub fn act(&self, action: Action) -> Result<(), Problem> {
        let (program, args) = self.command(action);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        run(program, &args).map(drop).map_err(|said| {
            let command = format!("{program} {}", args.join(" "));
            Problem::new(format!("`{command}` failed: {said}"))
                .hint("run it by hand to see more; the service's log says why it does not start")
        })
    }

    fn command(&self, action: Action) -> (&'static str, Vec<String>) {
        match (self, action) {
            (Self::Systemd(unit), action) => {
                let verb = match action {
                    Action::Restart => "restart",
                    Action::Stop => "stop",
                };
                (
                    "systemctl",
                    vec!["--user".into(), verb.into(), unit.clone()],
                )
            }
            (Self::Launchd(label), action) => {
                let target = format!("gui/{}/{label}", fsio::user());
                let mut args: Vec<String> = match action {
                    Action::Restart => vec!["kickstart".into(), "-k".into()],
                    Action::Stop => vec!["kill".into(), "SIGTERM".into()],
                };
                args.push(target);
                ("launchctl", args)
            }
        }
    }
}

/// `PID STATUS LABEL`: an agent of sccache that runs.
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
    let path = sccfg_util::programs::resolve(name.as_ref(), &env::search_path())
        .ok_or_else(|| format!("there is no {name} on PATH"))?;
    let program = sccfg_util::proc::Limited {
        program: &path,
        name,
        args,
        environment: env::pairs(|_| true),
        limit: Duration::from_secs(30),
    };
    match program.run() {
        Ok(Ended::Itself(output)) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Ok(Ended::Itself(output)) => Err(String::from_utf8_lossy(&output.stderr)
            .trim()
            .replace('\n', "; ")),
        Ok(Ended::Limit) => Err("it did not come back".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_of_launchd_is_found_by_its_label() {
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
