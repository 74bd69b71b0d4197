//! The processes of this machine and the files that they run, read from `/proc`.

use std::path::{Path, PathBuf};

use crate::fsio;

/// A process, as far as this user may look at it.
#[derive(Debug, Clone)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// The file that it runs.
    pub program: Option<PathBuf>,
    /// Its current directory.
    pub directory: Option<PathBuf>,
    /// The files that it has mapped, such as dynamic libraries.
    mapped: Vec<PathBuf>,
}

/// All processes. None on systems without `/proc`. Of a process of another user, only its number is known.
pub fn processes() -> Vec<Process> {
    fsio::numbers_in("/proc").map(Process::of).collect()
}

impl Process {
    fn of(pid: u32) -> Self {
        let link = |name: &str| fsio::read_link(format!("/proc/{pid}/{name}"));
        let maps = fsio::read_bytes(format!("/proc/{pid}/maps")).unwrap_or_default();
        Self {
            pid,
            program: link("exe"),
            directory: link("cwd"),
            mapped: mapped_files(&String::from_utf8_lossy(&maps)),
        }
    }

    /// Whether it runs a program or library below `directory`, or works there.
    pub fn uses(&self, directory: &Path) -> bool {
        let all = self.program.iter().chain(&self.directory);
        all.chain(&self.mapped)
            .any(|path| path.starts_with(directory))
    }

    /// The name of its program.
    pub fn name(&self) -> &str {
        let name = self.program.as_deref().and_then(Path::file_name);
        name.and_then(|name| name.to_str()).unwrap_or("a process")
    }
}

/// All processes that have not ended. None on systems without `/proc`.
pub fn live_processes() -> impl Iterator<Item = Stat> {
    fsio::numbers_in("/proc")
        .filter_map(Stat::of)
        .filter(|stat| !stat.is_dead())
}

/// The live processes below the process with the number `pid` at any depth.
pub fn descendants(pid: u32) -> Vec<Stat> {
    let all: Vec<Stat> = live_processes().collect();
    let mut found: Vec<Stat> = Vec::new();
    let mut parents = vec![pid];
    while let Some(parent) = parents.pop() {
        for process in all.iter().filter(|process| process.parent == parent) {
            parents.push(process.pid);
            found.push(*process);
        }
    }
    found
}

/// Whether the process with this number is suspended: by Ctrl-Z, SIGSTOP or a debugger. `false` on systems without `/proc`.
pub fn is_suspended(pid: u32) -> bool {
    Stat::of(pid).is_some_and(|stat| stat.is_suspended())
}

/// When the process with a number began, in clock ticks since the system did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At this time.
    At(u64),
    /// There is no such process, or it is a zombie.
    Ended,
    /// The system does not say.
    Unknown,
}

/// When the process with the number `pid` began.
pub fn start_of(pid: u32) -> Start {
    match Stat::of(pid) {
        Some(stat) if stat.is_dead() => Start::Ended,
        Some(stat) => Start::At(stat.start),
        None if Stat::read("self").is_some() && fsio::is_missing(&directory_of(pid)) => {
            Start::Ended
        }
        None => Start::Unknown,
    }
}

/// The number of this process, and when it began; `None` if `/proc` has other numbers than this process has, or is missing.
pub fn own_start() -> Option<(u32, u64)> {
    let stat = Stat::read("self")?;
    (stat.pid == std::process::id()).then_some((stat.pid, stat.start))
}

/// The boot and the PID and time namespaces, in which the numbers and start times of processes are valid.
pub fn pid_scope() -> Option<String> {
    let boot = fsio::read_text("/proc/sys/kernel/random/boot_id")?;
    let processes = fsio::read_link("/proc/self/ns/pid")?;
    // Kernels before 5.6 have one clock for all.
    let clock = fsio::read_link("/proc/self/ns/time").unwrap_or_default();
    Some(format!(
        "{boot} {} {}",
        processes.display(),
        clock.display()
    ))
}

fn directory_of(pid: u32) -> PathBuf {
    Path::new("/proc").join(pid.to_string())
}

/// What `/proc/PID/stat` says of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Its number.
    pub pid: u32,
    state: u8,
    /// The number of its parent.
    pub parent: u32,
    /// Its process group; 0 if that is in another PID namespace.
    pub group: u32,
    /// When it was started, in clock ticks since the system was.
    pub start: u64,
}

impl Stat {
    /// Of the process with the number `pid`. `None` if there is none, and on systems without `/proc`.
    pub fn of(pid: u32) -> Option<Self> {
        Self::read(&pid.to_string())
    }

    /// Of the process with the directory `name` in `/proc`.
    fn read(name: &str) -> Option<Self> {
        Self::parse(&fsio::read_bytes(format!("/proc/{name}/stat"))?)
    }

    /// Parses `PID (NAME) STATE PARENT GROUP …`: the name may contain spaces and parentheses.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let name_end = bytes.iter().rposition(|byte| *byte == b')')?;
        let front = std::str::from_utf8(bytes.split(|byte| *byte == b' ').next()?).ok()?;
        let rest = std::str::from_utf8(bytes.get(name_end + 1..)?).ok()?;
        let mut fields = rest.split_ascii_whitespace();
        Some(Self {
            pid: front.parse().ok()?,
            state: *fields.next()?.as_bytes().first()?,
            parent: fields.next()?.parse().ok()?,
            group: fields.next()?.parse().ok()?,
            // The 22nd of all.
            start: fields.nth(16)?.parse().ok()?,
        })
    }

    /// Of the process with the number `pid` that was started at `start`, not of a later one with its number. `None` if it has ended.
    pub fn of_same(pid: u32, start: u64) -> Option<Self> {
        Self::of(pid).filter(|stat| stat.start == start && !stat.is_dead())
    }

    /// Whether this very process is alive, not a later one with its number.
    pub fn is_alive(&self) -> bool {
        Self::of_same(self.pid, self.start).is_some()
    }

    /// Whether it is suspended: by Ctrl-Z, SIGSTOP or a debugger.
    pub fn is_suspended(&self) -> bool {
        matches!(self.state, b'T' | b't')
    }

    /// Whether it has ended, and its parent has not waited for it.
    pub fn is_dead(&self) -> bool {
        matches!(self.state, b'Z' | b'X')
    }
}

/// Tells that a process is suspended for more than the moment in which a debugger looks at it.
#[derive(Debug, Default)]
pub struct Suspension {
    seen: u32,
}

impl Suspension {
    /// How often it is seen in a row before it counts.
    const COUNTS: u32 = 5;

    /// Whether one of these processes, which are looked at again and again, is suspended.
    pub fn is_of_any(&mut self, pids: &[u32]) -> bool {
        let is_suspended = pids.iter().any(|pid| is_suspended(*pid));
        self.seen = if is_suspended { self.seen + 1 } else { 0 };
        self.seen >= Self::COUNTS
    }
}

/// The files in the text of `/proc/PID/maps`.
fn mapped_files(maps: &str) -> Vec<PathBuf> {
    let paths = maps
        .lines()
        .filter_map(|line| Some(&line[line.find('/')?..]));
    let mut files: Vec<PathBuf> = paths.map(PathBuf::from).collect();
    files.sort();
    files.dedup();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_runs_its_program() {
        let own = processes()
            .into_iter()
            .find(|process| process.pid == std::process::id());
        if !Path::new("/proc").is_dir() {
            return;
        }
        let own = own.unwrap();
        let program = crate::env::current_program().unwrap();
        assert!(own.uses(program.parent().unwrap()));
        assert!(!own.uses(Path::new("/no/such/directory")));
        assert_eq!(own.name(), program.file_name().unwrap().to_str().unwrap());
    }

    #[test]
    fn a_process_is_suspended_until_it_goes_on() {
        if !Path::new("/proc").is_dir() {
            return;
        }
        let mut sleeper = std::process::Command::new("sleep");
        let sleeper = sleeper.arg("600").stdout(std::process::Stdio::null());
        let mut sleeper = sleeper.spawn().unwrap();
        let signal = |name: &str| {
            let pid = sleeper.id().to_string();
            let mut kill = std::process::Command::new("kill");
            assert!(kill.args(["-s", name, &pid]).status().unwrap().success());
        };
        let becomes = |wanted: bool| {
            while is_suspended(sleeper.id()) != wanted {
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        };
        let mut suspension = Suspension::default();
        assert!(!suspension.is_of_any(&[sleeper.id()]));
        signal("STOP");
        becomes(true);
        let seen: Vec<bool> = (0..Suspension::COUNTS)
            .map(|_| suspension.is_of_any(&[std::process::id(), sleeper.id()]))
            .collect();
        assert!(!seen[0] && seen[seen.len() - 1], "{seen:?}");
        signal("CONT");
        becomes(false);
        assert!(!suspension.is_of_any(&[sleeper.id()]));
        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
    }

    #[test]
    fn a_process_is_identified_by_its_number_and_start_time() {
        let text = b"4711 (a) Z (b) S 7 8 4711 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2\n";
        let stat = Stat::parse(text).unwrap();
        assert_eq!((stat.pid, stat.parent, stat.group), (4711, 7, 8));
        assert_eq!(stat.start, 987_654);
        assert!(!stat.is_dead() && !stat.is_suspended());
        assert_eq!(Stat::parse(b"42 (cut off"), None);
        if let Some((pid, start)) = own_start() {
            assert_eq!(start_of(pid), Start::At(start));
            // No system has so many.
            assert_eq!(start_of(u32::MAX), Start::Ended);
        }
    }

    #[test]
    fn files_are_read_from_maps() {
        let maps = "7f00-7f10 r--p 00000000 08:01 42   /a/b c.so\n7f20-7f30 rw-p 00000000 00:00 0   [heap]\n";
        assert_eq!(mapped_files(maps), [PathBuf::from("/a/b c.so")]);
    }
}
