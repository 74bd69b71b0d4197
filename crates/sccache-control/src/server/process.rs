//! Processes: a server, what runs below it, and what runs above sccfg itself. All of it is read from
//! `/proc`; on systems without it there is no answer.
//!
//! The crate `procfs` is not used. It exists only for Linux, opens three files where one is enough,
//! panics on a truncated `stat` line, and in [`listener`](super::listener) would cut paths of sockets at
//! the first blank, drop the flag that tells a listening Unix socket, and reject the whole table of TCP
//! sockets because of one unknown state.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::address::Address;
use super::program::Executable;
use sccfg_util::fsio::{self, FileId};
use sccfg_util::proc::running::{Stat, live_processes};

/// A process that listens. Its number may be reused; its number together with its start time is
/// unique.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Clock ticks since boot, which no change of the wall clock affects.
    started: u64,
    /// The number of its user.
    pub owner: u32,
    /// The listening socket: descriptor, inode.
    socket: Option<(u32, u64)>,
    /// The file of a Unix socket, which a second server replaces.
    file: Option<FileId>,
}

impl Process {
    /// Process `pid`, which listens at `address` with one of the sockets `inodes`.
    pub(super) fn new(pid: u32, owner: u32, inodes: &[u64], address: &Address) -> Option<Self> {
        let socket = fsio::numbers_in(format!("/proc/{pid}/fd")).find_map(|fd| {
            Some((
                fd,
                *inodes.iter().find(|inode| is_socket(pid, fd, **inode))?,
            ))
        });
        Some(Self {
            pid,
            started: Stat::of(pid)?.start,
            owner,
            socket,
            file: socket_file(address),
        })
    }

    /// Whether this very process is alive, not a later one with its number.
    pub fn is_alive(&self) -> bool {
        Stat::of_same(self.pid, self.started).is_some()
    }

    /// Whether it is alive and listens at `address` on the same socket. This reads one file and one
    /// link, and for a Unix socket the metadata of another file.
    pub(super) fn still_listens(&self, address: &Address) -> bool {
        self.has_same_socket(address) && self.is_alive()
    }

    /// The same, and it can reply: no signal or debugger has stopped it.
    pub(super) fn may_reply(&self, address: &Address) -> bool {
        self.has_same_socket(address)
            && Stat::of_same(self.pid, self.started).is_some_and(|stat| !stat.is_suspended())
    }

    fn has_same_socket(&self, address: &Address) -> bool {
        self.socket
            .is_some_and(|(fd, inode)| is_socket(self.pid, fd, inode))
            && self.file == socket_file(address)
    }

    /// Whether its listening socket was found. If not, its clients cannot be counted.
    pub(super) fn has_known_socket(&self) -> bool {
        self.socket.is_some()
    }

    /// The program it runs. `None` where this user may not read that.
    pub(super) fn exe(&self) -> Option<ProcessExe> {
        let running = PathBuf::from(format!("/proc/{}/exe", self.pid));
        let link = fsio::read_link(&running)?;
        let id = fsio::file_id(&running)?;
        let exists = fsio::file_id(&link) == Some(id);
        Some(ProcessExe {
            running,
            id,
            path: exists.then_some(link),
        })
    }

    /// Whether it is sccache, by the name of the process or of its program.
    pub fn is_sccache(&self) -> bool {
        let matches = |name: &OsStr| name.to_string_lossy().contains("sccache");
        self.name().contains("sccache")
            || fsio::read_link(format!("/proc/{}/exe", self.pid))
                .is_some_and(|link| link.file_name().is_some_and(matches))
    }

    /// The process that started it.
    #[cfg(target_os = "linux")]
    pub(super) fn parent(&self) -> Option<u32> {
        Some(Stat::of(self.pid)?.parent)
    }

    pub(super) fn name(&self) -> String {
        let name = fsio::read_bytes(format!("/proc/{}/comm", self.pid)).unwrap_or_default();
        String::from_utf8_lossy(&name).trim_end().to_owned()
    }

    /// The unit of the user's systemd that it runs in, if that is an sccache unit.
    pub(super) fn unit(&self) -> Option<String> {
        let cgroup = fsio::read_bytes(format!("/proc/{}/cgroup", self.pid))?;
        unit_of(&String::from_utf8_lossy(&cgroup)).map(str::to_owned)
    }

    /// The live processes directly below it: running compilers.
    pub(super) fn children(&self) -> Vec<u32> {
        live_processes()
            .filter(|process| process.parent == self.pid)
            .map(|process| process.pid)
            .collect()
    }
}

/// The program of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ProcessExe {
    /// `/proc/PID/exe`, which can be run even after the file was deleted.
    running: PathBuf,
    /// The identity of its file.
    pub(super) id: FileId,
    /// Its file, if that still exists.
    pub(super) path: Option<PathBuf>,
}

impl ProcessExe {
    /// Runs the very same program again.
    pub(super) fn executable(&self) -> Executable {
        Executable {
            path: self.running.clone(),
        }
    }
}

/// The variables with which process `pid` was started and whose names satisfy `keep`. None where this user
/// may not read them.
pub fn variables_of(pid: u32, keep: impl Fn(&str) -> bool) -> BTreeMap<String, String> {
    let bytes = fsio::read_bytes(format!("/proc/{pid}/environ")).unwrap_or_default();
    let all = bytes.split(|byte| *byte == 0).filter_map(|variable| {
        let variable = String::from_utf8_lossy(variable);
        let (name, value) = variable.split_once('=')?;
        keep(name).then(|| (name.to_owned(), value.to_owned()))
    });
    all.collect()
}

/// Whether a process directly below process `pid` is running: neither exited nor stopped.
pub fn has_running_children(pid: u32) -> bool {
    live_processes().any(|process| process.parent == pid && !process.is_suspended())
}

/// The processes above this one, nearest first: number and start time in clock ticks since boot.
pub fn ancestors() -> impl Iterator<Item = (u32, u64)> {
    let parent = |pid: u32| Some(Stat::of(pid)?.parent).filter(|pid| *pid > 0);
    std::iter::successors(parent(std::process::id()), move |pid| parent(*pid))
        .map_while(|pid| Some((pid, Stat::of(pid)?.start)))
}

/// The process group of this process; the parent process where the group is not known, as for a
/// group outside of this PID namespace, whose number is 0.
pub fn group() -> u32 {
    let group = Stat::of(std::process::id()).map(|stat| stat.group);
    group
        .filter(|group| *group > 0)
        .unwrap_or_else(std::os::unix::process::parent_id)
}

/// When process `pid` started, in clock ticks since boot.
pub fn started(pid: u32) -> Option<u64> {
    Some(Stat::of(pid)?.start)
}

/// The unit of a path such as `…/user@1000.service/app.slice/sccache.service`.
fn unit_of(cgroup: &str) -> Option<&str> {
    // With version 1 of control groups, only one of several lines is systemd's.
    cgroup.lines().find_map(|line| {
        let path = line.splitn(3, ':').nth(2)?;
        let (_, below) = path.split_once("/user@")?;
        let unit = below.rsplit('/').next()?;
        (unit.starts_with("sccache") && unit.ends_with(".service")).then_some(unit)
    })
}

fn is_socket(pid: u32, fd: u32, inode: u64) -> bool {
    fsio::read_link(format!("/proc/{pid}/fd/{fd}"))
        .is_some_and(|link| link.as_os_str() == OsStr::new(&format!("socket:[{inode}]")))
}

fn socket_file(address: &Address) -> Option<FileId> {
    match address {
        Address::Socket(path) => fsio::file_id(path),
        Address::Port(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_unit_of_the_users_own_systemd_is_found() {
        let user = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/sccache.service\n";
        assert_eq!(unit_of(user), Some("sccache.service"));
        let older = format!("8:pids:/\n{}", user.replace("0:", "1:name=systemd"));
        assert_eq!(unit_of(&older), Some("sccache.service"));
        let terminal = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/xterm.scope\n";
        assert_eq!(unit_of(terminal), None);
        assert_eq!(unit_of("0::/system.slice/sccache.service\n"), None);
        assert_eq!(unit_of(""), None);
    }
}
