//! Who listens at an address, and what goes on below that process: read from `/proc` on Linux.
//! Elsewhere it cannot be judged without other programs, and says so ([`Listening::Unknown`]).

use std::ffi::OsStr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::address::Address;
use sccfg_util::fsio::{self, FileId};

/// Who listens at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listening {
    /// Nobody; a socket file may have been left behind.
    Nobody,
    /// This process.
    Process(Process),
    /// A process of another user, into which this one may not look.
    Hidden {
        /// Whose it is, if that can be seen.
        owner: Option<u32>,
    },
    /// Somebody may; this system does not say who.
    Unknown,
}

/// A process that listens. Its number may be given again, its number and start time never are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// When it started, in clock ticks since the machine did: no clock step moves this.
    started: u64,
    /// Whose it is.
    pub owner: u32,
    /// The listening socket: descriptor, inode.
    socket: Option<(u32, u64)>,
    /// The file of a Unix socket, which a second server replaces.
    file: Option<FileId>,
}

impl Process {
    /// Process `pid`, which listens at `address` with one of the sockets `inodes`.
    #[cfg(target_os = "linux")]
    fn new(pid: u32, owner: u32, inodes: &[u64], address: &Address) -> Option<Self> {
        let socket = fsio::numbers_in(format!("/proc/{pid}/fd")).find_map(|fd| {
            Some((
                fd,
                *inodes.iter().find(|inode| is_socket(pid, fd, **inode))?,
            ))
        });
        Some(Self {
            pid,
            started: Stat::of(pid)?.started,
            owner,
            socket,
            file: socket_file(address),
        })
    }

    /// Whether it still lives: the same process, not a later one with its number.
    pub fn lives(&self) -> bool {
        Stat::is_alive(self.pid, self.started)
    }

    /// Whether it still lives and listens at `address` with the same socket. One file is read and
    /// one link; for a Unix socket, one more file is looked at.
    pub fn still_listens(&self, address: &Address) -> bool {
        self.socket
            .is_some_and(|(fd, inode)| is_socket(self.pid, fd, inode))
            && self.file == socket_file(address)
            && self.lives()
    }

    /// Whether its sockets can be told from those of others, without which nothing can be said of
    /// its clients.
    pub(super) fn is_known(&self) -> bool {
        self.socket.is_some()
    }

    /// The program it runs, which works even after the file was deleted. `None` where this user
    /// may not look.
    pub fn program(&self) -> Option<Program> {
        let running = PathBuf::from(format!("/proc/{}/exe", self.pid));
        let link = fsio::link_text(&running)?;
        let id = fsio::file_id(&running)?;
        let is_there = fsio::file_id(&link) == Some(id);
        Some(Program {
            running,
            id,
            path: is_there.then_some(link),
        })
    }

    /// Whether it is sccache, by the name of the process or of its program.
    pub fn is_sccache(&self) -> bool {
        let says = |name: &OsStr| name.to_string_lossy().contains("sccache");
        self.name().contains("sccache")
            || fsio::link_text(format!("/proc/{}/exe", self.pid))
                .is_some_and(|link| link.file_name().is_some_and(says))
    }

    /// The name of the process.
    pub fn name(&self) -> String {
        let name = fsio::bytes(format!("/proc/{}/comm", self.pid)).unwrap_or_default();
        String::from_utf8_lossy(&name).trim_end().to_owned()
    }

    /// The unit of the user's systemd that it runs in, if it is one of sccache's.
    pub(super) fn unit(&self) -> Option<String> {
        let cgroup = fsio::bytes(format!("/proc/{}/cgroup", self.pid))?;
        unit_of(&String::from_utf8_lossy(&cgroup)).map(str::to_owned)
    }

    /// The processes below it that are not dead: compilers that run.
    pub fn children(&self) -> Vec<u32> {
        fsio::numbers_in("/proc")
            .filter(|pid| {
                Stat::of(*pid).is_some_and(|stat| stat.parent == self.pid && !stat.is_dead())
            })
            .collect()
    }

    /// All that runs below it, at any depth: compilers, and the linkers that these started.
    pub fn descendants(&self) -> Vec<Descendant> {
        let all: Vec<(u32, Stat)> = fsio::numbers_in("/proc")
            .filter_map(|pid| Some((pid, Stat::of(pid)?)))
            .filter(|(_, stat)| !stat.is_dead())
            .collect();
        let mut found: Vec<Descendant> = Vec::new();
        let mut parents = vec![self.pid];
        while let Some(parent) = parents.pop() {
            for (pid, stat) in all.iter().filter(|(_, stat)| stat.parent == parent) {
                parents.push(*pid);
                found.push(Descendant {
                    pid: *pid,
                    started: stat.started,
                });
            }
        }
        found
    }
}

/// A process below a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descendant {
    /// Its number.
    pub pid: u32,
    /// When it started, in clock ticks since the machine did.
    started: u64,
}

impl Descendant {
    /// Whether it still lives: the same process, not a later one with its number.
    pub fn lives(&self) -> bool {
        Stat::is_alive(self.pid, self.started)
    }
}

/// Whether something goes on directly below process `pid`: it has not ended, and nobody stopped it.
pub fn has_running_children(pid: u32) -> bool {
    let goes_on = |stat: &Stat| !stat.is_dead() && !matches!(stat.state, b'T' | b't');
    fsio::numbers_in("/proc")
        .any(|other| Stat::of(other).is_some_and(|stat| stat.parent == pid && goes_on(&stat)))
}

/// The processes above this one, nearest first: number and start time.
pub fn ancestors() -> impl Iterator<Item = (u32, u64)> {
    let parent = |pid: u32| Some(Stat::of(pid)?.parent).filter(|pid| *pid > 0);
    std::iter::successors(parent(std::process::id()), move |pid| parent(*pid))
        .map_while(|pid| Some((pid, Stat::of(pid)?.started)))
}

/// The process group of this process, which a shell started together; the parent process where that is
/// not known, as for a group outside of this PID namespace, whose number is 0.
pub fn group() -> u32 {
    let group = Stat::of(std::process::id()).map(|stat| stat.group);
    group
        .filter(|group| *group > 0)
        .unwrap_or_else(std::os::unix::process::parent_id)
}

/// When process `pid` started, in clock ticks since the machine did.
pub fn started(pid: u32) -> Option<u64> {
    Some(Stat::of(pid)?.started)
}

/// The program of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The way to run the very same program again.
    pub running: PathBuf,
    /// Its file.
    pub id: FileId,
    /// Where that file is, if it is still there.
    pub path: Option<PathBuf>,
}

/// `…/user@1000.service/app.slice/sccache.service` is a unit of the user's systemd.
fn unit_of(cgroup: &str) -> Option<&str> {
    // With version 1 of control groups, only one of several lines is systemd's.
    cgroup.lines().find_map(|line| {
        let path = line.splitn(3, ':').nth(2)?;
        let (_, below) = path.split_once("/user@")?;
        let unit = below.rsplit('/').next()?;
        (unit.starts_with("sccache") && unit.ends_with(".service")).then_some(unit)
    })
}

/// What `/proc/PID/stat` says.
struct Stat {
    state: u8,
    parent: u32,
    group: u32,
    started: u64,
}

impl Stat {
    fn of(pid: u32) -> Option<Self> {
        Self::parse(&fsio::bytes(format!("/proc/{pid}/stat"))?)
    }

    /// `PID (NAME) STATE PARENT GROUP …`: the name may hold spaces and brackets itself.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let name_end = bytes.iter().rposition(|byte| *byte == b')')?;
        let rest = std::str::from_utf8(bytes.get(name_end + 1..)?).ok()?;
        let mut fields = rest.split_ascii_whitespace();
        Some(Self {
            state: *fields.next()?.as_bytes().first()?,
            parent: fields.next()?.parse().ok()?,
            group: fields.next()?.parse().ok()?,
            started: fields.nth(16)?.parse().ok()?,
        })
    }

    /// Whether process `pid` lives and is the one that started then.
    fn is_alive(pid: u32, started: u64) -> bool {
        Self::of(pid).is_some_and(|stat| stat.started == started && !stat.is_dead())
    }

    fn is_dead(&self) -> bool {
        matches!(self.state, b'Z' | b'X')
    }
}

fn is_socket(pid: u32, fd: u32, inode: u64) -> bool {
    fsio::link_text(format!("/proc/{pid}/fd/{fd}"))
        .is_some_and(|link| link.as_os_str() == OsStr::new(&format!("socket:[{inode}]")))
}

fn socket_file(address: &Address) -> Option<FileId> {
    match address {
        Address::Socket(path) => fsio::file_id(path),
        Address::Port(_) => None,
    }
}

/// A line of `/proc/net/tcp`, `tcp6` or `unix`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    kind: RowKind,
    inode: u64,
    owner: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RowKind {
    Listens,
    Connected,
}

/// The sockets at `address`, on the server's side.
fn rows(address: &Address) -> Option<Vec<Row>> {
    let text = |name| Some(String::from_utf8_lossy(&fsio::bytes(name)?).into_owned());
    match address {
        Address::Port(port) => {
            let mut rows = tcp_rows(&text("/proc/net/tcp")?, *port);
            rows.extend(tcp_rows(&text("/proc/net/tcp6").unwrap_or_default(), *port));
            Some(rows)
        }
        Address::Socket(path) => Some(unix_rows(&text("/proc/net/unix")?, &path.to_string_lossy())),
    }
}

/// `sl local remote st queues timers retransmits uid timeout inode …`
fn tcp_rows(text: &str, port: u16) -> Vec<Row> {
    let port = format!(":{port:04X}");
    text.lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_ascii_whitespace().collect();
            let host = fields.get(1)?.strip_suffix(port.as_str())?;
            let kind = match *fields.get(3)? {
                "0A" if host == "0100007F" || host.bytes().all(|digit| digit == b'0') => {
                    RowKind::Listens
                }
                // CLOSE_WAIT: the client died, and sccache before 0.17 compiles on.
                "01" | "08" => RowKind::Connected,
                _ => return None,
            };
            Some(Row {
                kind,
                owner: fields.get(7)?.parse().ok()?,
                inode: fields.get(9)?.parse().ok()?,
            })
        })
        .collect()
}

/// `Num RefCount Protocol Flags Type St Inode Path`
fn unix_rows(text: &str, path: &str) -> Vec<Row> {
    let path = match path.strip_prefix("\\x00") {
        Some(name) => format!("@{name}"),
        None => path.to_owned(),
    };
    text.lines()
        .skip(1)
        .filter_map(|line| {
            let mut fields = line.splitn(8, ' ');
            let flags = fields.nth(3)?;
            let inode_and_path = fields.nth(2)?.trim_start();
            let (inode, at) = match fields.next() {
                // The number stands in a field at least five wide.
                Some(rest) if inode_and_path.is_empty() => rest.trim_start().split_once(' ')?,
                Some(rest) => (inode_and_path, rest),
                None => return None,
            };
            let accepts = u32::from_str_radix(flags, 16).ok()? & 0x1_0000 != 0;
            (at == path).then_some(Row {
                kind: if accepts {
                    RowKind::Listens
                } else {
                    RowKind::Connected
                },
                inode: inode.parse().ok()?,
                owner: 0,
            })
        })
        .collect()
}

/// How many clients are connected to `address`; `None` where that cannot be seen.
pub fn connections(address: &Address) -> Option<usize> {
    let connected = |row: &&Row| row.kind == RowKind::Connected;
    Some(rows(address)?.iter().filter(connected).count())
}

/// Who listens at `address`.
#[cfg(target_os = "linux")]
pub fn listening(address: &Address) -> Listening {
    let Some(rows) = rows(address) else {
        return Listening::Unknown;
    };
    let rows = rows.iter().filter(|row| row.kind == RowKind::Listens);
    match address {
        Address::Port(_) => {
            let rows: Vec<&Row> = rows.collect();
            let Some(first) = rows.first() else {
                return Listening::Nobody;
            };
            let inodes: Vec<u64> = rows.iter().map(|row| row.inode).collect();
            by_socket(&inodes, first.owner, address).map_or(
                Listening::Hidden {
                    owner: Some(first.owner),
                },
                Listening::Process,
            )
        }
        Address::Socket(path) => {
            let inodes: Vec<u64> = rows.map(|row| row.inode).collect();
            let owner = fsio::owner(path);
            let process = match peer(path) {
                Peer::Nobody => return Listening::Nobody,
                Peer::Process { pid, owner } => Process::new(pid, owner, &inodes, address),
                Peer::Unknown => by_socket(&inodes, owner.unwrap_or_default(), address),
            };
            process.map_or(Listening::Hidden { owner }, Listening::Process)
        }
    }
}

/// Who listens at `address`.
#[cfg(not(target_os = "linux"))]
pub fn listening(address: &Address) -> Listening {
    let somebody = match address {
        Address::Port(port) => {
            let address = std::net::SocketAddr::from(([127, 0, 0, 1], *port));
            std::net::TcpStream::connect_timeout(&address, std::time::Duration::from_secs(1))
                .is_ok()
        }
        #[cfg(unix)]
        Address::Socket(path) => std::os::unix::net::UnixStream::connect(path).is_ok(),
        #[cfg(not(unix))]
        Address::Socket(_) => false,
    };
    if somebody {
        Listening::Unknown
    } else {
        Listening::Nobody
    }
}

/// The process that holds one of these sockets.
#[cfg(target_os = "linux")]
fn by_socket(inodes: &[u64], owner: u32, address: &Address) -> Option<Process> {
    fsio::numbers_in("/proc")
        .filter(|pid| fsio::owner(format!("/proc/{pid}")) == Some(owner))
        .filter_map(|pid| Process::new(pid, owner, inodes, address))
        .find(Process::is_known)
}

/// The other end of a Unix socket.
#[cfg(target_os = "linux")]
enum Peer {
    Nobody,
    Process { pid: u32, owner: u32 },
    Unknown,
}

/// Connects and leaves again: the file alone does not say whether, or which, server is behind it.
#[cfg(target_os = "linux")]
fn peer(path: &std::path::Path) -> Peer {
    use rustix::io::Errno;
    use rustix::net::{
        AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with, sockopt,
    };
    let text = path.to_string_lossy();
    let address = match text.strip_prefix("\\x00") {
        Some(name) => SocketAddrUnix::new_abstract_name(name.as_bytes()),
        None => SocketAddrUnix::new(path),
    };
    let Ok(address) = address else {
        return Peer::Nobody;
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let Ok(socket) = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None) else {
        return Peer::Unknown;
    };
    match connect(&socket, &address) {
        Ok(()) => {}
        Err(Errno::CONNREFUSED | Errno::NOENT | Errno::NOTDIR | Errno::PROTOTYPE) => {
            return Peer::Nobody;
        }
        Err(_) => return Peer::Unknown,
    }
    match sockopt::socket_peercred(&socket) {
        Ok(peer) => Peer::Process {
            pid: peer.pid.as_raw_pid().unsigned_abs(),
            owner: peer.uid.as_raw(),
        },
        Err(_) => Peer::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_may_hold_anything() {
        let line = b"42 (a) R (b) Z 7 1 1 0 -1 4 1 2 3 4 5 6 7 8 20 0 1 0 98765 1 2 3\n";
        let stat = Stat::parse(line).unwrap();
        assert_eq!((stat.parent, stat.started), (7, 98765));
        assert!(stat.is_dead());
        assert!(Stat::parse(b"42 (cut off").is_none());
    }

    #[test]
    fn the_table_of_tcp_sockets_tells_listener_and_clients() {
        let text = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1082 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 11 1
   1: 0100007F:1082 0100007F:C001 01 00000000:00000000 00:00000000 00000000  1000        0 12 1
   2: 0100007F:C001 0100007F:1082 01 00000000:00000000 00:00000000 00000000  1000        0 13 1
   3: 0100007F:1082 0100007F:C002 06 00000000:00000000 00:00000000 00000000     0        0 0 1
   4: 0500000A:1082 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 14 1
   5: 0100007F:1083 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 15 1
";
        let found = tcp_rows(text, 4226);
        let row = |kind, inode| Row {
            kind,
            inode,
            owner: 1000,
        };
        assert_eq!(
            found,
            [row(RowKind::Listens, 11), row(RowKind::Connected, 12)]
        );
    }

    #[test]
    fn the_table_of_unix_sockets_holds_paths_with_spaces() {
        let text = "\
Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 41234 /run/a b/s.sock
0000000000000000: 00000003 00000000 00000000 0001 03 41235 /run/a b/s.sock
0000000000000000: 00000003 00000000 00000000 0001 03   936
0000000000000000: 00000003 00000000 00000000 0001 03   937 /run/a b/s.sock
0000000000000000: 00000002 00000000 00010000 0001 01 41236 @name
";
        let inodes = |path: &str| -> Vec<(RowKind, u64)> {
            let rows = unix_rows(text, path);
            rows.iter().map(|row| (row.kind, row.inode)).collect()
        };
        assert_eq!(
            inodes("/run/a b/s.sock"),
            [
                (RowKind::Listens, 41234),
                (RowKind::Connected, 41235),
                (RowKind::Connected, 937)
            ]
        );
        assert_eq!(inodes("\\x00name"), [(RowKind::Listens, 41236)]);
    }

    #[test]
    fn only_a_unit_of_the_user_s_own_is_restarted_through_systemd() {
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
