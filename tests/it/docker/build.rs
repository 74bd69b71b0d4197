//! Images that Buildah builds from edited Dockerfiles, without a registry: the base images are empty directories over
//! which this machine's programs are mounted.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::remote::service::Service;
use crate::server::{free_port, real_rustc};
use crate::support::{Ran, Sandbox, files_below, sccache, version};
use sccache_control::config::version::Version;

const BASES: [&str; 3] = [
    "docker.io/library/rust:1-bookworm",
    "docker.io/library/debian:bookworm-slim",
    "docker.io/library/alpine:3.22",
];
/// Prints statistics in the instruction that compiles. The instruction after it has no mounts.
const DOCKERFILE: &str = "\
FROM docker.io/library/rust:1-bookworm AS builder
WORKDIR /src
COPY . .
RUN cargo build --release && /opt/sccfg/sccache --show-stats --stats-format=json && echo
RUN touch one/src/lib.rs && sh again.sh && [ -z \"$(find /var/cache/sccache /run/sccfg -mindepth 1)\" ]

FROM docker.io/library/debian:bookworm-slim
COPY --from=builder /src/target/release/app /usr/local/bin/
ENTRYPOINT [\"/usr/local/bin/app\"]
";

/// A project and a place for images.
struct Builder {
    sandbox: Sandbox,
    /// The port at which the archive of sccache is served.
    port: u16,
}

impl Builder {
    fn new(policy: &str) -> Self {
        let library = |name| {
            format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n")
        };
        let app =
            library("app") + "[dependencies]\none = { path = \"one\" }\ntwo = { path = \"two\" }\n";
        let sandbox = Sandbox::new()
            .file("repo/.git/HEAD", "ref: refs/heads/main\n")
            .file("repo/Cargo.toml", &app)
            .file(
                "repo/src/main.rs",
                "fn main() { println!(\"{}\", one::ONE + two::TWO); }\n",
            )
            .file("repo/one/Cargo.toml", &library("one"))
            .file("repo/one/src/lib.rs", "pub const ONE: u32 = 1;\n")
            .file("repo/two/Cargo.toml", &library("two"))
            .file("repo/two/src/lib.rs", "pub const TWO: u32 = 2;\n")
            .file("repo/again.sh", "cargo build --release\n")
            .file("repo/Dockerfile", DOCKERFILE);
        if !policy.is_empty() {
            sandbox.write("repo/sccfg.toml", policy);
        }
        sandbox.sccfg(&["-C", "repo", "docker"]).status(0);
        let builder = Self {
            port: serve(archive(&sandbox)),
            sandbox,
        };
        builder.add_base_images();
        builder
    }

    /// Buildah with storage of its own. Servers of sccache that outlive their instruction end with it.
    fn buildah(&self, machine: &str) -> Command {
        let temporary = self.sandbox.path(machine);
        fs::create_dir_all(&temporary).unwrap();
        let mut command = self.sandbox.command("unshare");
        command
            .args(["--pid", "--fork", "--kill-child", "--mount-proc", "buildah"])
            .args(["--storage-driver", "vfs", "--registries-conf", "/dev/null"])
            .arg("--root")
            .arg(self.sandbox.path("images"))
            .arg("--runroot")
            .arg(self.sandbox.path("containers"))
            // Cache mounts are below it.
            .env("TMPDIR", temporary);
        command
    }

    fn add_base_images(&self) {
        let root = self.sandbox.path("base");
        for directory in ["etc", "root", "run", "tmp", "usr/local", "var"] {
            fs::create_dir_all(root.join(directory)).unwrap();
        }
        for link in ["bin", "lib", "lib64", "sbin"] {
            std::os::unix::fs::symlink(format!("usr/{link}"), root.join(link)).unwrap();
        }
        for file in ["passwd", "group", "ld.so.cache"] {
            fs::copy(Path::new("/etc").join(file), root.join("etc").join(file)).unwrap();
        }
        let script = "FROM scratch\nCOPY . /\n\
            ENV PATH=/usr/local/rust/bin:/usr/bin:/bin CARGO_HOME=/usr/local/cargo\n";
        self.sandbox.write("base.Dockerfile", script);
        let mut build = self.buildah("first");
        build.args(["bud", "--quiet", "--isolation", "chroot"]);
        for base in BASES {
            build.args(["-t", base]);
        }
        build
            .arg("-f")
            .arg(self.sandbox.path("base.Dockerfile"))
            .arg(root);
        Ran::new("base images".to_owned(), &build.output().unwrap()).status(0);
    }

    /// Builds the Dockerfile on a machine, which has cache mounts of its own.
    fn build(&self, machine: &str, options: &[&str]) -> Ran {
        let toolchain = real_rustc();
        let toolchain = toolchain.parent().unwrap().parent().unwrap();
        let mut build = self.buildah(machine);
        build.args(["bud", "--isolation", "chroot", "--pull-never", "--volume"]);
        build.arg(format!("{}:/usr/local/rust:ro", toolchain.display()));
        // The compiler is a link into the last one in Debian.
        for directory in [
            "/usr/bin",
            "/usr/include",
            "/usr/lib",
            "/usr/lib64",
            "/usr/sbin",
            "/etc/alternatives",
        ] {
            if Path::new(directory).is_dir() {
                build.args(["--volume", &format!("{directory}:{directory}:ro")]);
            }
        }
        build
            .arg(format!(
                "--build-arg=SCCACHE_RELEASES=http://127.0.0.1:{}",
                self.port
            ))
            .args(options)
            .arg(".")
            .current_dir(self.sandbox.path("repo"));
        Ran::new(format!("buildah bud {options:?}"), &build.output().unwrap())
    }

    /// Takes the archive that is served for the one that is pinned.
    fn trust_archive(&self) {
        let text = self.sandbox.read("repo/Dockerfile");
        let machine = format!("{}) sum=", std::env::consts::ARCH);
        let start = text.find(&machine).unwrap() + machine.len();
        let sum = Command::new("sha256sum")
            .arg(self.sandbox.path("archive.tar.gz"))
            .output()
            .unwrap();
        let sum = String::from_utf8(sum.stdout).unwrap()[..64].to_owned();
        let text = format!("{}{sum}{}", &text[..start], &text[start + 64..]);
        self.sandbox.write("repo/Dockerfile", &text);
    }
}

/// The archive of a release, with the sccache of the tests.
fn archive(sandbox: &Sandbox) -> Vec<u8> {
    let name = format!(
        "sccache-v0.16.0-{}-unknown-linux-musl",
        std::env::consts::ARCH
    );
    let directory = sandbox.path("archive").join(&name);
    fs::create_dir_all(&directory).unwrap();
    fs::copy(crate::support::sccache(), directory.join("sccache")).unwrap();
    let archive = sandbox.path("archive.tar.gz");
    let status = Command::new("tar")
        .args(["--use-compress-program=gzip -1", "-cf"])
        .arg(&archive)
        .arg("-C")
        .arg(sandbox.path("archive"))
        .arg(name)
        .status();
    assert!(status.unwrap().success());
    fs::read(archive).unwrap()
}

/// Answers every request with these bytes. Returns the port.
fn serve(bytes: Vec<u8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut request = [0; 4096];
            let _ = connection.read(&mut request);
            let head = format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len());
            let _ = connection.write_all(head.as_bytes());
            let _ = connection.write_all(&bytes);
        }
    });
    port
}

/// Hits and misses of Rust in the instruction that compiles.
#[track_caller]
fn hits_and_misses(build: &Ran) -> (u64, u64) {
    let line = build
        .stdout
        .lines()
        .find(|line| line.starts_with("{\"stats\""));
    let stats: Value = serde_json::from_str(line.unwrap_or_else(|| panic!("{build:?}"))).unwrap();
    let count = |name: &str| stats["stats"][name]["counts"]["Rust"].as_u64().unwrap_or(0);
    (count("cache_hits"), count("cache_misses"))
}

#[requires(buildah, overlay, sccache, unshare, wget)]
#[test]
fn the_second_build_of_an_image_hits() {
    let builder = Builder::new("");
    builder
        .build("first", &["--target", "sccfg"])
        .status(1)
        .stderr_has("checksum did NOT match");
    builder.trust_archive();
    assert_eq!(
        hits_and_misses(&builder.build("first", &["-t", "app"]).status(0)),
        (0, 2)
    );
    let source = "fn main() { println!(\"{}!\", one::ONE + two::TWO); }\n";
    builder.sandbox.write("repo/src/main.rs", source);
    builder
        .sandbox
        .write("repo/two/src/lib.rs", "pub const TWO: u32 = 3;\n");
    assert_eq!(
        hits_and_misses(&builder.build("first", &["-t", "app"]).status(0)),
        (1, 1)
    );
}

#[requires(buildah, overlay, redis_server, sccache_with_levels, unshare, wget)]
#[test]
fn a_secret_reaches_sccache_and_no_layer() {
    const PASSWORD: &str = "correct-horse-battery";
    let directory = tempfile::tempdir().unwrap();
    let redis = Service::redis(directory.path(), &["--requirepass", PASSWORD]);
    let policy = format!(
        "[remote]\nbackend = \"redis\"\naddress = \"redis://127.0.0.1:{}\"\n",
        redis.port
    );
    let builder = Builder::new(&policy);
    builder.trust_archive();
    builder.sandbox.write("password", PASSWORD);
    let secret = builder.sandbox.path("password");
    let secret = format!(
        "--secret=id=SCCACHE_REDIS_PASSWORD,src={}",
        secret.display()
    );
    let options = [&*secret, "--target", "builder", "-t", "builder"];
    let build = builder.build("first", &options).status(0);
    assert_eq!(hits_and_misses(&build), (0, 2));
    // Entries are sent to the back end in the background, and the instruction does not wait for that.
    let second = builder.build("second", &options).status(0);
    let (hits, misses) = hits_and_misses(&second);
    assert!(hits >= 1 && hits + misses == 2, "{second:?}");

    let layers = builder.sandbox.path("layers");
    let mut push = builder.buildah("first");
    push.args(["push", "--quiet", "--disable-compression", "builder"]);
    push.arg(format!("dir:{}", layers.display()));
    Ran::new("push".to_owned(), &push.output().unwrap()).status(0);
    let mut has_wrapper = false;
    for file in files_below(&layers) {
        let bytes = fs::read(&file).unwrap();
        let has = |text: &str| memchr::memmem::find(&bytes, text.as_bytes()).is_some();
        assert!(!has(PASSWORD), "the password is in {}", file.display());
        has_wrapper |= has("for name in SCCACHE_REDIS_PASSWORD; do");
    }
    assert!(has_wrapper, "the layers were read");

    redis.stop();
    let down = builder.build("second", &options).status(0);
    assert_eq!(hits_and_misses(&down), (2, 0), "the disk has them");
    // From 0.19 on, a server starts without its back end.
    if version(&sccache()) < Version::new(0, 19, 0) {
        down.stderr_has("sccfg: the remote back end does not work; the cache is on the disk only");
    }
}

/// The Redis of the compose file, in a root with the secret of Docker.
struct Compose {
    sandbox: Sandbox,
    service: Value,
    port: u16,
}

impl Compose {
    fn new() -> Self {
        let sandbox = Sandbox::new()
            .file(
                "repo/Cargo.toml",
                "[package]\nname = \"app\"\nversion = \"0.1.0\"\n",
            )
            .file("repo/src/main.rs", "fn main() {}\n");
        sandbox
            .sccfg(&["-C", "repo", "docker", "--compose"])
            .status(0);
        let compose = crate::ci::yaml(&sandbox.path("repo/compose.sccache.yaml"));
        let service = compose["services"]["redis"].clone();
        assert_eq!(service["secrets"][0], "password");
        assert_eq!(
            compose["secrets"]["password"]["environment"],
            "SCCACHE_REDIS_PASSWORD"
        );
        Self {
            sandbox,
            service,
            port: free_port(),
        }
    }

    /// `sh -c` with a command of the file and this password, for Redis at a port of its own.
    fn command(&self, script: &Value, password: &str) -> Command {
        self.sandbox.write("secrets/password", password);
        let script = script.as_str().unwrap().replace("$$", "$");
        let port = self.port;
        let script = script
            .replace("redis-server -", &format!("redis-server - --port {port}"))
            .replace("redis-cli", &format!("redis-cli -p {port}"));
        let mut command = self.sandbox.command("bwrap");
        command
            .args(["--ro-bind", "/", "/", "--dev", "/dev"])
            .args(["--tmpfs", "/run", "--tmpfs", "/tmp", "--ro-bind"])
            .arg(self.sandbox.path("secrets"))
            .args(["/run/secrets", "--unshare-pid", "--die-with-parent"])
            .args(["--chdir", "/tmp", "sh", "-c", &script]);
        command
    }

    fn server(&self, password: &str) -> Command {
        assert_eq!(self.service["command"][0], "sh");
        assert_eq!(self.service["command"][1], "-c");
        self.command(&self.service["command"][2], password)
    }

    /// Whether the service is healthy to a container with this password.
    fn is_healthy(&self, password: &str) -> bool {
        let mut check = self.command(&self.service["healthcheck"]["test"], password);
        check.output().unwrap().status.success()
    }
}

#[requires(bwrap, redis_server, redis_cli)]
#[test]
fn the_redis_of_the_compose_file_requires_its_password() {
    const PASSWORD: &str = "correct horse \"battery\" \\ staple";
    let compose = Compose::new();
    assert!(!compose.is_healthy(PASSWORD), "it does not run yet");
    let server = compose.server(&format!("{PASSWORD}\n"));
    let redis = Service::start(server, compose.port, &compose.sandbox.path("redis.log"));
    let ask = |line: &str| {
        let mut connection = TcpStream::connect(("127.0.0.1", compose.port)).unwrap();
        connection.write_all(line.as_bytes()).unwrap();
        let mut answer = [0; 64];
        let length = connection.read(&mut answer).unwrap();
        String::from_utf8_lossy(&answer[..length]).into_owned()
    };
    assert!(ask("PING\r\n").starts_with("-NOAUTH"));
    let right = "AUTH \"correct horse \\\"battery\\\" \\\\ staple\"\r\n";
    assert_eq!(ask(right), "+OK\r\n");
    assert!(compose.is_healthy(PASSWORD));
    assert!(!compose.is_healthy("another"));
    redis.stop();
}

#[requires(bwrap, redis_server)]
#[test]
fn the_redis_of_the_compose_file_does_not_start_without_a_password() {
    let compose = Compose::new();
    for password in ["", "\n"] {
        let output = compose.server(password).output().unwrap();
        let ran = Ran::new("sh -c".to_owned(), &output);
        ran.status(1).stderr_has("SCCACHE_REDIS_PASSWORD is empty");
    }
}
