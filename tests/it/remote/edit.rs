//! `sccfg remote add`, `list` and `remove`: the config file.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::{Machine, is_private};

const OURS: &str = "# ours\n[cache.disk] # large\nsize = 5000000000 # bytes\n";

impl Machine {
    fn with_config(text: &str, mode: u32) -> Self {
        let machine = Self::new();
        machine.sandbox.write("home/.config/sccache/config", text);
        fs::set_permissions(machine.config(), fs::Permissions::from_mode(mode)).unwrap();
        machine
    }

    fn text(&self) -> String {
        fs::read_to_string(self.config()).unwrap()
    }
}

#[requires(sccache_with_levels)]
#[test]
fn a_back_end_is_put_behind_the_disk_and_removed_again() {
    let machine = Machine::with_config(OURS, 0o600);
    machine
        .sccfg(&["remote", "add", "redis", "redis://cache.example.org"])
        .status(0)
        .stdout_has("disk, then redis");
    let text = machine.text();
    assert!(
        text.starts_with("# ours\n[cache.disk] # large\nsize = 5000000000 # bytes\n"),
        "{text}"
    );
    assert!(
        text.contains("endpoint = \"redis://cache.example.org\""),
        "{text}"
    );
    assert!(text.contains("chain = [\"disk\", \"redis\"]"), "{text}");
    // A level `disk` needs settings.
    assert!(text.contains("dir = "), "{text}");
    machine.sccfg(&["config", "check"]).status(0);

    machine
        .sccfg(&["remote", "add", "s3", "builds", "--region", "eu-central-1"])
        .status(0);
    assert!(
        machine
            .text()
            .contains("chain = [\"disk\", \"redis\", \"s3\"]"),
        "{}",
        machine.text()
    );
    machine.sccfg(&["remote", "remove", "redis"]).status(0);
    assert!(
        machine.text().contains("chain = [\"disk\", \"s3\"]"),
        "{}",
        machine.text()
    );
    machine.sccfg(&["remote", "remove", "s3"]).status(0);
    let text = machine.text();
    assert!(
        !text.contains("multilevel") && !text.contains("s3"),
        "{text}"
    );
    assert!(
        text.starts_with("# ours\n[cache.disk] # large\nsize = 5000000000 # bytes\n"),
        "{text}"
    );
    assert!(
        !text.ends_with("\n\n") && !text.contains("\n\n\n"),
        "{text:?}"
    );
    let ran = machine.sccfg(&["remote", "remove", "s3"]).status(1);
    assert!(
        ran.stderr.contains("`cache.s3` is not set") && ran.stderr.contains("hint:"),
        "{ran:?}"
    );
}

#[requires(sccache)]
#[test]
fn a_secret_is_written_only_where_others_cannot_read_it() {
    let machine = Machine::with_config(OURS, 0o644);
    let secret = machine.write("secret", "hunter22\n");
    let add = [
        "remote",
        "add",
        "redis",
        "redis://h",
        "--secret-file",
        &secret,
        "--no-disk",
    ];
    let refused = machine.sccfg(&add).status(1);
    assert!(refused.stderr.contains("hint: chmod 600"), "{refused:?}");
    assert_eq!(machine.text(), OURS);
    fs::set_permissions(machine.config(), fs::Permissions::from_mode(0o600)).unwrap();
    let shown = machine
        .sccfg(&[&add[..], &["--dry-run"]].concat())
        .status(0);
    assert!(!shown.stdout.contains("hunter22"), "{shown:?}");
    let written = machine.sccfg(&add).status(0);
    assert!(!written.stdout.contains("hunter22"), "{written:?}");
    assert!(
        machine
            .text()
            .contains("password = \"hunter22\" # copied from "),
        "{}",
        machine.text()
    );
    assert!(is_private(&machine.config()));
    let listed = machine.sccfg(&["remote", "list", "--json"]).status(0);
    assert!(!listed.stdout.contains("hunter22"), "{listed:?}");

    let fresh = Machine::new();
    let secret = fresh.write("secret", "hunter22");
    fresh
        .sccfg(&[
            "remote",
            "add",
            "webdav",
            "https://h/d",
            "--secret-file",
            &secret,
        ])
        .status(0);
    assert!(is_private(&fresh.config()));
}

#[requires(sccache)]
#[test]
fn what_cannot_work_is_refused_with_a_hint() {
    let machine = Machine::new();
    for (args, part) in [
        (
            &["redis", "cache.example.org"][..],
            "write redis://cache.example.org:6379",
        ),
        (&["redis", "redis://me:hunter22@h"], "--secret-file FILE"),
        (&["s3", "builds"], "add --region"),
        (&["r2", "builds"], "add --account ID"),
        (
            &["s3", "builds", "--region", "x", "--secret-file", "f"],
            "~/.aws/credentials",
        ),
        (
            &["webdav", "https://h", "--region", "x"],
            "leave --region out",
        ),
        (
            &["redis", "redis://h", "--secret-file", "/nowhere"],
            "name the file",
        ),
        (&["redis"], "ADDRESS"),
        (&[], "[remote]"),
    ] {
        let args: Vec<&str> = ["remote", "add"].iter().chain(args).copied().collect();
        let ran = machine.sccfg(&args);
        assert_ne!(ran.code, Some(0), "{ran:?}");
        assert!(ran.stderr.contains(part), "{ran:?}");
        assert!(!ran.stderr.contains("hunter22"), "{ran:?}");
    }
    assert!(!machine.config().exists());
}

/// Without the token of a job, no server starts, so that every build would fail.
#[requires(sccache)]
#[test]
fn the_cache_of_github_is_added_in_its_jobs_only() {
    let machine = Machine::with_config(OURS, 0o600);
    machine
        .sccfg(&["remote", "add", "gha"])
        .status(1)
        .stderr_has("hint: sccfg ci github --backend gha");
    assert_eq!(machine.text(), OURS);
    let job = machine.variable("ACTIONS_RUNTIME_TOKEN", "x");
    job.sccfg(&["remote", "add", "gha"]).status(0);
    assert!(job.text().contains("[cache.gha]"));
}

/// sccache before 0.19 rejects the whole file then, so that every build fails.
#[requires(sccache)]
#[test]
fn azure_is_not_added_without_its_secret() {
    let machine = Machine::with_config(OURS, 0o600);
    let add = ["remote", "add", "azure", "builds"];
    machine
        .sccfg(&add)
        .status(1)
        .stderr_has("hint: add --secret-file FILE or --secret-command COMMAND");
    assert_eq!(machine.text(), OURS);
    let secret = machine.write("secret", "AccountName=a;AccountKey=YQ==");
    machine
        .sccfg(&[&add[..], &["--secret-file", &secret]].concat())
        .status(0);
    // It stays when something else is changed.
    machine
        .sccfg(&[&add[..], &["--prefix", "app"]].concat())
        .status(0);
    assert!(machine.text().contains("AccountName=a"));
}

#[requires(sccache)]
#[test]
fn the_policy_of_a_repository_names_the_back_end_of_the_team() {
    let machine = Machine::new();
    machine.sandbox.write(
        "repo/sccfg.toml",
        "[remote]\nbackend = \"r2\"\naddress = \"builds\"\nprefix = \"app\"\n\
         endpoint = \"https://0123.r2.cloudflarestorage.com\"\n",
    );
    let printed = machine
        .sccfg(&["-C", "repo", "remote", "add", "--env", "--read-only"])
        .status(0);
    assert_eq!(
        printed.stdout,
        "export SCCACHE_BUCKET=builds\nexport SCCACHE_S3_NO_CREDENTIALS=false\n\
         export SCCACHE_REGION=auto\nexport SCCACHE_ENDPOINT=https://0123.r2.cloudflarestorage.com\n\
         export SCCACHE_S3_USE_SSL=true\nexport SCCACHE_S3_KEY_PREFIX=app\n\
         export SCCACHE_S3_RW_MODE=READ_ONLY\n"
    );
    machine.sccfg(&["-C", "repo", "remote", "add"]).status(0);
    machine
        .sccfg(&["config", "get", "cache.s3.bucket"])
        .status(0)
        .stdout_has("builds");
}
