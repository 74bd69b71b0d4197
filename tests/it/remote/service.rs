//! Real servers of remote back ends, on a port of this machine.

use std::fs::File;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::server::free_port;
use crate::support::{project, wait_until};

/// A server that ends with this value.
pub(crate) struct Service {
    process: Child,
    pub(crate) port: u16,
}

impl Service {
    /// Starts a server, and waits until it listens at `port`.
    pub(crate) fn start(mut command: Command, port: u16, log: &Path) -> Self {
        let log = File::create(log).unwrap();
        let process = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let service = Self { process, port };
        wait_until("the back end listens", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        service
    }

    /// A Redis server with these further arguments.
    pub(crate) fn redis(directory: &Path, args: &[&str]) -> Self {
        Self::redis_at(free_port(), directory, args)
    }

    /// The same at a port.
    pub(crate) fn redis_at(port: u16, directory: &Path, args: &[&str]) -> Self {
        let mut command = Command::new("redis-server");
        command
            .args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--dir",
            ])
            .arg(directory)
            .args(args);
        Self::start(command, port, &directory.join("redis.log"))
    }

    pub(crate) fn memcached(directory: &Path) -> Self {
        let port = free_port();
        let mut command = Command::new("memcached");
        command.args(["-l", "127.0.0.1", "-u", "root", "-p", &port.to_string()]);
        Self::start(command, port, &directory.join("memcached.log"))
    }

    /// A server of `WebDAV` for the user `me`.
    pub(crate) fn webdav(directory: &Path, password: &str, args: &[&str]) -> Self {
        let port = free_port();
        let root = directory.join("dav");
        std::fs::create_dir_all(&root).unwrap();
        let mut command = Command::new("rclone");
        command
            .args(["serve", "webdav", "--user", "me", "--pass", password])
            .args(["--addr", &format!("127.0.0.1:{port}")])
            .args(args)
            .arg(&root)
            .env("HOME", directory);
        Self::start(command, port, &directory.join("webdav.log"))
    }

    /// A store like S3 with the bucket `builds`, which checks signatures and permissions: `scripts/lib/s3.py`.
    pub(crate) fn s3(directory: &Path) -> Self {
        let port = free_port();
        let mut command = Command::new("python3");
        command
            .arg(project().join("scripts/lib/s3.py"))
            .arg(port.to_string())
            .current_dir(directory)
            .env("PYTHONPATH", std::env::var_os("SCCFG_MOTO").unwrap());
        let service = Self::start(command, port, &directory.join("s3.log"));
        let ready = directory.join("keys.json");
        wait_until("the store has its users", || ready.exists());
        service
    }

    /// A store like Azure Blob Storage with the container `builds`, and the connection strings to it, as
    /// `scripts/lib/azure.py` has them.
    pub(crate) fn azure(directory: &Path) -> (Self, serde_json::Value) {
        // The key is `a key of the tests` in Base64.
        const ACCOUNT: &str = "tests:YSBrZXkgb2YgdGhlIHRlc3Rz";
        let port = free_port();
        let azurite = std::env::var_os("SCCFG_AZURITE").unwrap();
        let mut command = Command::new("node");
        command
            .arg(Path::new(&azurite).join("node_modules/azurite/dist/src/blob/main.js"))
            .args(["--blobPort", &port.to_string(), "--inMemoryPersistence"])
            // Its releases refuse requests that are newer than themselves.
            .args(["--skipApiVersionCheck", "--disableTelemetry"])
            .env("AZURITE_ACCOUNTS", ACCOUNT)
            .current_dir(directory);
        let service = Self::start(command, port, &directory.join("azure.log"));
        let output = Command::new("python3")
            .arg(project().join("scripts/lib/azure.py"))
            .arg(port.to_string())
            .env("AZURITE_ACCOUNTS", ACCOUNT)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        (service, serde_json::from_slice(&output.stdout).unwrap())
    }

    pub(crate) fn stop(self) {
        drop(self);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The access key and the secret key of a user of [`Service::s3`].
pub(crate) fn keys(directory: &Path, user: &str) -> [String; 2] {
    let text = std::fs::read_to_string(directory.join("keys.json")).unwrap();
    let keys: serde_json::Value = serde_json::from_str(&text).unwrap();
    serde_json::from_value(keys[user].clone()).unwrap()
}

/// Keys and certificates for `localhost` in a directory: `ca.crt`, `key`, `crt`.
pub(crate) fn certificates(directory: &Path) {
    let openssl = |args: &str| {
        let output = Command::new("openssl")
            .args(args.split(' '))
            .current_dir(directory)
            .output()
            .unwrap();
        assert!(output.status.success(), "{args}: {output:?}");
    };
    std::fs::write(directory.join("names"), "subjectAltName=DNS:localhost\n").unwrap();
    openssl(
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=authority",
    );
    openssl("req -newkey rsa:2048 -nodes -keyout key -out request -subj /CN=localhost");
    openssl(
        "x509 -req -in request -CA ca.crt -CAkey ca.key -CAcreateserial -out crt -days 2 -extfile names",
    );
}

/// Two nodes of a cluster of Redis, each with half of the keys.
pub(crate) fn redis_cluster(directory: &Path, password: &str) -> [Service; 2] {
    let nodes = ["a", "b"].map(|name| {
        let directory = directory.join(name);
        std::fs::create_dir_all(&directory).unwrap();
        let bus = free_port().to_string();
        let args = ["--cluster-enabled", "yes", "--cluster-port", &bus];
        let args = [&args[..], &["--requirepass", password]].concat();
        (Service::redis(&directory, &args), bus)
    });
    let ask = |node: &Service, args: &[&str]| {
        let output = Command::new("redis-cli")
            .args(["-p", &node.port.to_string(), "--no-auth-warning", "-a"])
            .arg(password)
            .args(args)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let [(a, _), (b, bus)] = &nodes;
    ask(a, &["cluster", "addslotsrange", "0", "8191"]);
    ask(b, &["cluster", "addslotsrange", "8192", "16383"]);
    let port = b.port.to_string();
    ask(a, &["cluster", "meet", "127.0.0.1", &port, bus]);
    for node in [a, b] {
        wait_until("the cluster is ready", || {
            ask(node, &["cluster", "info"]).contains("cluster_state:ok")
        });
    }
    nodes.map(|(node, _)| node)
}
