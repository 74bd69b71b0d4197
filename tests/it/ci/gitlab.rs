//! `sccfg ci gitlab` and `sccfg ci script`: the rendered files, and their jobs run by the shells of images.

use std::fs;
use std::process::Command;

use super::job::{flake_with_a_shell, public_bucket};
use super::yaml;
use crate::nix::nix;
use crate::remote::service::{Service, keys};
use crate::server::{free_port, real_rustc};
use crate::support::{Ran, Sandbox, sccache};

const PIPELINE: &str = "\
# ours
stages: [test]
test: # all of them
  image: rust:1.90
  script:
    - rustc --version
    # the slow ones
    - cargo build --quiet --offline
format:
  script:
    - cargo fmt --check
";

/// A repository with a crate, a pipeline and this policy.
fn repository(policy: &str) -> Sandbox {
    let lock = "[[package]]\nname = \"x\"\n".repeat(40);
    Sandbox::new()
        .file(
            "repo/Cargo.toml",
            "[package]\nname = \"a\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
        )
        .file("repo/src/lib.rs", "pub fn one() -> u32 { 1 }\n")
        .file("repo/.gitlab-ci.yml", PIPELINE)
        .file("lock", &lock)
        .file("repo/sccfg.toml", policy)
}

/// The commands of the job `test`.
fn commands(sandbox: &Sandbox) -> String {
    let pipeline = yaml(&sandbox.path("repo/.gitlab-ci.yml"));
    let commands = pipeline["test"]["script"].as_array().unwrap();
    let commands = commands.iter().map(|command| command.as_str().unwrap());
    commands.collect::<Vec<_>>().join("\n")
}

/// Runs commands as a runner does: in one shell, which ends at the first failure.
#[track_caller]
fn job(sandbox: &Sandbox, shell: &str, commands: &str, variables: &[(&str, &str)]) -> Ran {
    let checkout = sandbox.path("repo");
    let _ = fs::remove_dir_all(checkout.join("target"));
    let rustc = real_rustc();
    let mut directories = vec![
        sccache().parent().unwrap().to_owned(),
        rustc.parent().unwrap().to_owned(),
    ];
    directories.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    let output = sandbox
        .command(shell)
        .args(["-eu", "-c", commands])
        .current_dir(&checkout)
        .env("PATH", std::env::join_paths(directories).unwrap())
        .env("CI_PROJECT_DIR", &checkout)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let ran = Ran::new(format!("{shell}: {commands}"), &output).status(0);
    assert!(checkout.join("target/debug").exists(), "{ran:?}");
    ran
}

/// A number in the statistics that a job prints when it ends.
#[track_caller]
fn number(ran: &Ran, name: &str) -> u64 {
    let line = ran.stderr.lines().find(|line| {
        line.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with("   "))
    });
    let line = line.unwrap_or_else(|| panic!("no `{name}` in {ran:?}"));
    line.split_whitespace().last().unwrap().parse().unwrap()
}

#[track_caller]
fn hits_and_misses(ran: &Ran, hits: u64, misses: u64) {
    let found = (number(ran, "Cache hits"), number(ran, "Cache misses"));
    assert_eq!(found, (hits, misses), "{ran:?}");
}

#[test]
fn lines_are_added_checked_and_removed_byte_for_byte() {
    for text in [PIPELINE.to_owned(), PIPELINE.replace('\n', "\r\n")] {
        let sandbox = repository("");
        fs::remove_file(sandbox.path("repo/sccfg.toml")).unwrap();
        fs::rename(sandbox.path("lock"), sandbox.path("repo/Cargo.lock")).unwrap();
        sandbox.write("repo/.gitlab-ci.yml", &text);
        let explained = sandbox
            .sccfg(&["-C", "repo", "ci", "gitlab", "--explain"])
            .status(0);
        for line in [
            "  test: local, because it runs on a hosted runner (a shared runner), which starts empty",
            "  format: none, because its commands of cargo compile nothing",
        ] {
            assert!(explained.stdout.contains(line), "{explained:?}");
        }
        let check = ["-C", "repo", "ci", "gitlab", "--check"];
        sandbox.sccfg(&check).status(1).stderr_has("out of date");
        assert_eq!(sandbox.read("repo/.gitlab-ci.yml"), text);
        sandbox
            .sccfg(&["-C", "repo", "ci", "gitlab"])
            .status(0)
            .stdout_has("line in 1 job");
        sandbox.sccfg(&check).status(0);
        sandbox.sccfg(&["-C", "repo", "apply", "--check"]).status(0);
        let pipeline = yaml(&sandbox.path("repo/.gitlab-ci.yml"));
        assert_eq!(pipeline["test"]["cache"]["paths"][0], ".sccfg/cache/");
        assert_eq!(pipeline["format"]["script"].as_array().unwrap().len(), 1);
        sandbox
            .sccfg(&["-C", "repo", "ci", "gitlab", "--remove"])
            .status(0);
        assert_eq!(sandbox.read("repo/.gitlab-ci.yml"), text);
        assert!(!sandbox.exists("repo/.sccfg") && !sandbox.exists("repo/sccfg.toml"));
    }
}

#[requires(sccache_with_levels, redis_server, python3, dash)]
#[test]
fn a_second_runner_gets_what_the_first_stored() {
    let port = free_port();
    let sandbox = repository(&format!(
        "[remote]\nbackend = \"redis\"\naddress = \"redis://127.0.0.1:{port}\"\n\
         [ci.secrets]\nSCCACHE_REDIS_PASSWORD = \"CACHE_PASSWORD\"\n"
    ));
    sandbox.sccfg(&["-C", "repo", "ci", "gitlab"]).status(0);
    let redis = Service::redis_at(port, sandbox.outer(), &["--requirepass", "it's $HOME"]);
    let commands = commands(&sandbox);
    let secret = [("CACHE_PASSWORD", "it's $HOME")];
    let first = job(&sandbox, "dash", &commands, &secret);
    hits_and_misses(&first, 0, 1);
    assert!(!format!("{first:?}").contains("it's"), "{first:?}");
    hits_and_misses(&job(&sandbox, "bash", &commands, &secret), 1, 0);

    // A branch that is not protected gets no protected variables.
    let without = job(&sandbox, "dash", &commands, &[]);
    assert!(without.stderr.contains("no credentials"), "{without:?}");
    hits_and_misses(&without, 0, 1);
    // The code of a fork must not store, even if somebody gives it the variables.
    let elsewhere = sandbox.path("another machine").display().to_string();
    let fork = [
        secret[0],
        ("HOME", elsewhere.as_str()),
        ("CI_MERGE_REQUEST_PROJECT_ID", "1"),
        ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "2"),
    ];
    let fork = job(&sandbox, "dash", &commands, &fork);
    hits_and_misses(&fork, 0, 1);
    assert!(fork.stderr.contains("Local disk"), "{fork:?}");

    redis.stop();
    let dead = job(&sandbox, "dash", &commands, &secret);
    assert!(
        dead.stderr.contains("the back end cannot be used"),
        "{dead:?}"
    );
    assert!(dead.stderr.contains("sccache was not used"), "{dead:?}");
}

#[requires(sccache_with_levels, python3, dash)]
#[test]
fn what_the_provider_keeps_is_found_by_the_next_job() {
    let sandbox = repository("");
    sandbox.sccfg(&["-C", "repo", "ci", "gitlab"]).status(0);
    let commands = commands(&sandbox);
    hits_and_misses(&job(&sandbox, "dash", &commands, &[]), 0, 1);
    assert!(sandbox.exists("repo/.sccfg/cache"));
    hits_and_misses(&job(&sandbox, "dash", &commands, &[]), 1, 0);
    let untrusted = [("SCCFG_CI_UNTRUSTED", "true")];
    fs::remove_dir_all(sandbox.path("repo/.sccfg/cache")).unwrap();
    hits_and_misses(&job(&sandbox, "dash", &commands, &untrusted), 0, 1);
    hits_and_misses(&job(&sandbox, "dash", &commands, &untrusted), 0, 1);
}

#[requires(sccache_with_levels, moto, python3, dash)]
#[test]
fn any_provider_can_source_the_script() {
    let store = tempfile::tempdir().unwrap();
    let s3 = Service::s3(store.path());
    let sandbox = repository(&format!(
        "[remote]\nbackend = \"s3\"\naddress = \"builds\"\nregion = \"us-east-1\"\n\
         endpoint = \"http://127.0.0.1:{}\"\n",
        s3.port
    ));
    sandbox
        .sccfg(&["-C", "repo", "ci", "script"])
        .status(0)
        .stdout_has(". .sccfg/ci.sh");
    sandbox
        .sccfg(&["-C", "repo", "ci", "script", "--check"])
        .status(0);
    let [key, secret] = keys(store.path(), "writer");
    let credentials = [
        ("AWS_ACCESS_KEY_ID", key.as_str()),
        ("AWS_SECRET_ACCESS_KEY", secret.as_str()),
    ];
    let commands = ". .sccfg/ci.sh; trap sccfg_end EXIT\ncargo build --quiet --offline";
    hits_and_misses(&job(&sandbox, "dash", commands, &credentials), 0, 1);
    hits_and_misses(&job(&sandbox, "bash", commands, &credentials), 1, 0);
    s3.stop();
    let dead = job(&sandbox, "dash", commands, &credentials);
    assert!(dead.stderr.contains("sccache was not used"), "{dead:?}");
    sandbox
        .sccfg(&["-C", "repo", "ci", "script", "--remove"])
        .status(0);
    assert!(!sandbox.exists("repo/.sccfg"));
}

#[requires(sccache_with_levels, nix, python3, dash)]
#[test]
fn a_job_in_nix_develop_uses_the_sccache_of_the_shell() {
    let nix = nix();
    let sandbox = repository("");
    sandbox.write("repo/flake.nix", &flake_with_a_shell());
    let pipeline = PIPELINE.replace("cargo build", "nix develop .#default -c cargo build");
    sandbox.write("repo/.gitlab-ci.yml", &pipeline);
    sandbox.sccfg(&["-C", "repo", "ci", "gitlab"]).status(0);
    let commands = commands(&sandbox);
    assert!(commands.contains("SCCFG_CI_NIX=true"), "{commands}");
    let variables = nix.variables();
    let variables: Vec<(&str, &str)> = variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    hits_and_misses(&job(&sandbox, "dash", &commands, &variables), 0, 1);
    hits_and_misses(&job(&sandbox, "dash", &commands, &variables), 1, 0);
}

#[requires(sccache_with_levels, moto, python3, dash)]
#[test]
fn a_fork_reads_a_public_bucket_and_stores_nothing() {
    let store = tempfile::tempdir().unwrap();
    let s3 = Service::s3(store.path());
    let sandbox = repository(&public_bucket(&s3));
    sandbox.sccfg(&["-C", "repo", "ci", "script"]).status(0);
    let shown = "SCCFG_CI_UNTRUSTED=true; sccfg_program=none; . .sccfg/ci.sh; sccfg_dir=/nowhere; sccfg_select\n\
                 env | grep -E '^(AWS|SCCACHE)_' >&2; unset SCCACHE_SERVER_UDS; RUSTC_WRAPPER= cargo build --quiet";
    let fork = job(
        &sandbox,
        "dash",
        shown,
        &[("A", "key"), ("B", "secret"), ("AWS_ACCESS_KEY_ID", "key")],
    );
    assert!(
        fork.stderr.contains("SCCACHE_S3_NO_CREDENTIALS=true"),
        "{fork:?}"
    );
    assert!(
        fork.stderr.contains("SCCACHE_S3_RW_MODE=READ_ONLY"),
        "{fork:?}"
    );
    assert!(!fork.stderr.contains("AWS_ACCESS_KEY_ID"), "{fork:?}");
}

#[test]
fn what_only_github_has_is_refused() {
    let sandbox = repository("[ci]\nbackend = \"gha\"\n");
    sandbox
        .sccfg(&["-C", "repo", "ci", "gitlab"])
        .status(1)
        .stderr_has("only GitHub has the back end `gha`");
    sandbox.write(
        "repo/sccfg.toml",
        "[ci.secrets]\nSCCACHE_REDIS_PASSWORD = \"x; y\"\n",
    );
    sandbox
        .sccfg(&["-C", "repo", "ci", "script"])
        .status(1)
        .stderr_has("is not the name of a variable");
}

#[test]
fn options_of_github_alone_do_not_exist_elsewhere() {
    let sandbox = repository("");
    for provider in ["gitlab", "script"] {
        sandbox
            .sccfg(&["-C", "repo", "ci", provider, "--backend", "gha"])
            .status(2)
            .stderr_has("[possible values: auto, none, remote, local]");
    }
}

#[test]
fn a_script_that_sccfg_did_not_write_is_neither_replaced_nor_removed() {
    let sandbox = repository("").file("repo/.sccfg/ci.sh", "echo mine\n");
    for provider in ["gitlab", "script"] {
        sandbox
            .sccfg(&["-C", "repo", "ci", provider])
            .status(1)
            .stderr_has(".sccfg/ci.sh:1:1: sccfg did not write this file");
        sandbox
            .sccfg(&["-C", "repo", "ci", provider, "--remove"])
            .status(0);
        assert_eq!(sandbox.read("repo/.sccfg/ci.sh"), "echo mine\n");
    }
}

#[test]
fn the_back_end_none_writes_no_script() {
    let sandbox = repository("");
    sandbox.sccfg(&["-C", "repo", "ci", "script"]).status(0);
    assert!(sandbox.exists("repo/.sccfg/ci.sh"));
    let ran = sandbox
        .sccfg(&["-C", "repo", "ci", "script", "--backend", "none"])
        .status(0);
    assert!(!ran.stdout.contains("in each job"), "{ran:?}");
    assert!(!sandbox.exists("repo/.sccfg/ci.sh"));
}

#[requires(shellcheck)]
#[test]
fn the_script_passes_shellcheck() {
    for policy in [
        "",
        "[remote]\nbackend = \"gcs\"\naddress = \"builds\"\n",
        "[remote]\nbackend = \"s3\"\naddress = \"builds\"\nregion = \"x\"\nprefix = \"b's\"\npublic = true\n[ci]\nrole = \"arn:aws:iam::1:role/x\"\n",
        "[remote]\nbackend = \"redis\"\naddress = \"redis://h\"\n[ci.secrets]\nSCCACHE_REDIS_PASSWORD = \"CACHE_PASSWORD\"\n",
    ] {
        let sandbox = repository(policy);
        sandbox.sccfg(&["-C", "repo", "ci", "script"]).status(0);
        let output = Command::new("shellcheck")
            .arg(sandbox.path("repo/.sccfg/ci.sh"))
            .output()
            .unwrap();
        let found = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{policy}\n{found}");
    }
}

#[test]
fn a_job_that_cannot_be_edited_is_named() {
    let sandbox = repository("");
    let pipeline = format!("{PIPELINE}docs:\n  script: cargo build --release\n");
    sandbox.write("repo/.gitlab-ci.yml", &pipeline);
    let ran = sandbox.sccfg(&["-C", "repo", "ci", "gitlab"]).status(0);
    ran.stdout_has("line in 1 job")
        .stderr_has(
            "the job `docs` of .gitlab-ci.yml was not changed, because its script is not a list",
        )
        .stderr_has("hint: fix this, and run `sccfg ci gitlab` again");
    sandbox
        .sccfg(&["-C", "repo", "ci", "gitlab", "--remove"])
        .status(0);
    assert_eq!(sandbox.read("repo/.gitlab-ci.yml"), pipeline);
}

#[test]
fn a_variable_that_ends_like_a_comment_stays_as_it_is() {
    let sandbox = repository("");
    let pipeline = "test:\n  variables:\n    NOTE: |\n      hello\n      # heading\n  script:\n    - |\n      \
                    cat >notes <<X\n      # body\n      X\n      # done\n    - cargo test\n";
    sandbox.write("repo/.gitlab-ci.yml", pipeline);
    sandbox.sccfg(&["-C", "repo", "ci", "gitlab"]).status(0);
    let job = &yaml(&sandbox.path("repo/.gitlab-ci.yml"))["test"];
    assert_eq!(job["variables"]["NOTE"], "hello\n# heading\n", "{job:#}");
    let script = job["script"].as_array().unwrap();
    assert_eq!(script[0], "cat >notes <<X\n# body\nX\n# done\n");
    assert_eq!((script.len(), &script[2]), (3, &"cargo test".into()));
    sandbox
        .sccfg(&["-C", "repo", "ci", "gitlab", "--remove"])
        .status(0);
    assert_eq!(sandbox.read("repo/.gitlab-ci.yml"), pipeline);
}

#[test]
fn aliases_and_a_header_with_inputs_are_followed() {
    let pipeline = "\
spec:
  inputs: { stage: { default: test } }
---
.commands: &commands
  - cargo build
.base: &base
  script:
    - cargo test
whole:
  script: *commands
item:
  script:
    - *commands
    - echo
merged:
  <<: *base
";
    let sandbox = repository("");
    sandbox.write("repo/.gitlab-ci.yml", pipeline);
    sandbox
        .sccfg(&["-C", "repo", "ci", "gitlab", "--explain"])
        .status(0)
        .stdout_has("whole: none, because its script is an alias of line 4")
        .stdout_has("item: local, because")
        .stdout_has("merged: none, because its steps are those of the job `.base`");
    sandbox.sccfg(&["-C", "repo", "ci", "gitlab"]).status(0);
    let edited = sandbox.read("repo/.gitlab-ci.yml");
    let line = |text: &str| edited.lines().position(|line| line.trim() == text).unwrap();
    assert_eq!(edited.matches("ci.sh").count(), 2, "{edited}");
    assert_eq!(line("- *commands") - line("item:"), 8, "{edited}");
    sandbox
        .sccfg(&["-C", "repo", "ci", "gitlab", "--check"])
        .status(0);
    sandbox
        .sccfg(&["-C", "repo", "ci", "gitlab", "--remove"])
        .status(0);
    assert_eq!(sandbox.read("repo/.gitlab-ci.yml"), pipeline);
}

#[test]
fn the_shell_of_nix_that_a_job_enters_is_passed_on() {
    let sandbox = repository("");
    let pipeline = PIPELINE.replace("cargo build", "nix develop ./nix#ci -c cargo build");
    sandbox.write("repo/.gitlab-ci.yml", &pipeline);
    sandbox.sccfg(&["-C", "repo", "ci", "gitlab"]).status(0);
    let commands = commands(&sandbox);
    assert!(
        commands.contains("SCCFG_CI_NIX=true SCCFG_CI_NIX_ARGUMENTS='./nix#ci'"),
        "{commands}"
    );
    let pipeline = PIPELINE.replace("cargo build", "devenv shell cargo build");
    sandbox.write("repo/.gitlab-ci.yml", &pipeline);
    sandbox.sccfg(&["-C", "repo", "ci", "gitlab"]).status(0);
    let commands = self::commands(&sandbox);
    let variables = "SCCFG_CI_NIX=true SCCFG_CI_DEVENV=true";
    assert!(commands.contains(variables), "{commands}");
}

#[test]
fn jobs_whose_shell_cannot_run_the_line_are_not_edited() {
    let jobs = "\
windows:
  tags: [saas-windows-medium-amd64]
  script:
    - cargo build
cleanup:
  before_script:
    - trap 'rm -rf scratch' EXIT
  script:
    - cargo build
interrupted:
  script:
    - trap 'exit 130' INT
    - cargo build
";
    let sandbox = repository("");
    let pipeline = format!("{PIPELINE}{jobs}");
    sandbox.write("repo/.gitlab-ci.yml", &pipeline);
    sandbox
        .sccfg(&["-C", "repo", "ci", "gitlab"])
        .status(0)
        .stdout_has("line in 2 jobs")
        .stderr_has("the job `windows` of .gitlab-ci.yml was not changed, because it runs on Windows (saas-windows-medium-amd64)")
        .stderr_has("the job `cleanup` of .gitlab-ci.yml was not changed, because its script has a trap for EXIT");
    assert!(
        sandbox
            .read("repo/.gitlab-ci.yml")
            .contains("- trap 'exit 130' INT\n    # >>> sccfg")
    );
}

#[test]
fn a_job_with_rules_for_tags_publishes_releases() {
    let jobs = "\
release:
  rules:
    - if: $CI_COMMIT_TAG
    - when: never
  script:
    - cargo build --release
other:
  rules:
    - if: $CI_COMMIT_TAG || $CI_COMMIT_BRANCH
  script:
    - cargo build --release
";
    let sandbox = repository("");
    sandbox.write("repo/.gitlab-ci.yml", jobs);
    sandbox
        .sccfg(&["-C", "repo", "ci", "gitlab", "--explain"])
        .status(0)
        .stdout_has("release: none, because it publishes releases")
        .stdout_has("other: local, because");
}
