//! `sccfg remote add`, `list` and `remove`: the config file.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::{Machine, is_private};
use crate::support::{sccache, version};
use sccache_control::config::version::Version;

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
fn a_back_end_is_added_behind_the_disk_and_removed() {
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
        (
            &["redis", "redis://:hunter22@h"],
            "leave the password out, and add --secret-file FILE",
        ),
        (
            &["webdav", "https://h/p?token=hunter22"],
            "`https://h/p?token=(hidden)`",
        ),
        (
            &[
                "s3",
                "b",
                "--region",
                "r",
                "--endpoint",
                "https://k:hunter22@h",
            ],
            "sccache reads the keys of S3 from",
        ),
        (&["s3", "builds"], "add --region"),
        (
            &["azure", "AccountName=a;AccountKey=hunter22", "--env"],
            "connection string",
        ),
        (&["gcs", "gs://hunter22"], "write its name alone"),
        (
            &["redis", "redis://h", "--secret-file", "/nowhere", "--env"],
            "file not found: /nowhere",
        ),
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
            "pass the file",
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

/// A user name is no secret.
#[requires(sccache)]
#[test]
fn an_address_may_have_a_user_name() {
    let machine = Machine::new();
    machine
        .sccfg(&["remote", "add", "redis", "redis://me@cache.example.org"])
        .status(0);
    assert!(
        machine
            .text()
            .contains("endpoint = \"redis://me@cache.example.org\"")
    );
}

/// Of a file with lines `NAME=value`, the shell takes the line of the variable.
#[requires(sccache)]
#[test]
fn the_lines_for_a_shell_read_an_environment_file() {
    let machine = Machine::new();
    for (text, secret) in [
        ("hunter22\n", "hunter22"),
        ("SCCACHE_REDIS_PASSWORD=hunter22\n", "hunter22"),
        (
            "# ours\nSCCACHE_REDIS_USERNAME=me\nexport SCCACHE_REDIS_PASSWORD='hunter 22' \n",
            "hunter 22",
        ),
        ("SCCACHE_REDIS_PASSWORD = \"hunt'er$22\"\n", "hunt'er$22"),
    ] {
        let file = machine.write("it's secret", text);
        let add = ["remote", "add", "redis", "redis://h", "--env"];
        let lines = machine
            .sccfg(&[&add[..], &["--secret-file", &file]].concat())
            .status(0)
            .stdout;
        assert!(!lines.contains(secret), "{lines}");
        let print = format!("{lines}printf %s \"$SCCACHE_REDIS_PASSWORD\"");
        let mut shell = machine.sandbox.command("sh");
        let output = shell.args(["-euc", &print]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), secret, "{lines}");
    }
}

#[requires(sccache)]
#[test]
fn the_comment_about_a_secret_names_the_file_that_it_was_copied_from_last() {
    let machine = Machine::with_config(OURS, 0o600);
    for name in ["first", "second"] {
        let secret = machine.write(name, name);
        let add = ["remote", "add", "redis", "redis://h", "--secret-file"];
        machine.sccfg(&[&add[..], &[&secret]].concat()).status(0);
        let line = format!("password = \"{name}\" # copied from {secret}\n");
        assert!(machine.text().contains(&line), "{}", machine.text());
    }
    let text = machine.text().replace("# copied from ", "# mine, from ");
    fs::write(machine.config(), text).unwrap();
    let secret = machine.write("third", "third");
    let add = ["remote", "add", "redis", "redis://h", "--secret-file"];
    machine.sccfg(&[&add[..], &[&secret]].concat()).status(0);
    assert!(
        machine
            .text()
            .contains("password = \"third\" # mine, from ")
    );
}

#[requires(sccache_with_levels)]
#[test]
fn comments_in_the_list_of_levels_stay() {
    let levels = "chain = [ \"disk\", # first\n  # the team's\n  \"redis\" # second\n]\n# end\n";
    let text = format!(
        "{OURS}dir = \"/d\"\n\n[cache.redis]\nendpoint = \"redis://h\"\n\n[cache.multilevel]\n{levels}"
    );
    let machine = Machine::with_config(&text, 0o600);
    machine
        .sccfg(&["remote", "add", "memcached", "tcp://m:1"])
        .status(0)
        .stdout_has("disk, then redis, then memcached");
    let added = levels.replace("\"redis\" # second", "\"redis\", # second\n  \"memcached\"");
    assert!(machine.text().contains(&added), "{}", machine.text());
    machine.sccfg(&["remote", "remove", "memcached"]).status(0);
    let removed = levels.replace("\"redis\" #", "\"redis\", #");
    assert!(machine.text().contains(&removed), "{}", machine.text());
    machine.sccfg(&["config", "check"]).status(0);
    let same = machine.text();
    machine
        .sccfg(&["config", "set", "cache.multilevel.chain", "disk,redis"])
        .status(0);
    assert_eq!(machine.text(), same);

    // Without a line of its own.
    let text = text.replace(" # second\n]", " ]");
    fs::write(machine.config(), &text).unwrap();
    machine
        .sccfg(&["remote", "add", "memcached", "tcp://m:1"])
        .status(0);
    let added = "# the team's\n  \"redis\", \"memcached\" ]\n";
    assert!(machine.text().contains(added), "{}", machine.text());
    machine.sccfg(&["remote", "remove", "memcached"]).status(0);
    let removed = "# the team's\n  \"redis\", ]\n";
    assert!(machine.text().contains(removed), "{}", machine.text());
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
    if version(&sccache()) < Version::new(0, 19, 0) {
        machine
            .sccfg(&add)
            .status(1)
            .stderr_has("hint: add --secret-file FILE or --secret-command COMMAND");
        assert_eq!(machine.text(), OURS);
    } else {
        machine.sccfg(&add).status(0);
    }
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
