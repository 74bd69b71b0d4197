//! What `sccfg docker` edits, generates, and undoes.

use serde_json::Value;

use crate::support::{Ran, Sandbox};

pub(super) const DOCKERFILE: &str = "\
# syntax=docker/dockerfile:1
FROM rust:1.89-slim AS builder
WORKDIR /src
COPY . .
# everything
RUN cargo build --release \\
    # with all features
    --all-features

FROM debian:bookworm-slim
COPY --from=builder /src/target/release/app /usr/local/bin/
CMD [\"app\"]
";

pub(super) fn sandbox() -> Sandbox {
    Sandbox::new()
        .file("repo/.git/HEAD", "ref: refs/heads/main\n")
        .file(
            "repo/Cargo.toml",
            "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
        )
        .file("repo/src/main.rs", "fn main() {}\n")
}

#[track_caller]
pub(super) fn sccfg(sandbox: &Sandbox, args: &[&str]) -> Ran {
    sandbox.sccfg(&[&["-C", "repo"], args].concat())
}

#[test]
fn the_name_of_a_file_is_quoted_in_the_next_command() {
    let sandbox = sandbox().file("repo/my dir/Dockerfile.prod", DOCKERFILE);
    sccfg(&sandbox, &["docker", "my dir/Dockerfile.prod"])
        .status(0)
        .stdout_has("docker build -f 'my dir/Dockerfile.prod' .");
}

#[test]
fn a_dockerfile_is_edited_checked_and_restored_byte_for_byte() {
    for text in [DOCKERFILE.to_owned(), DOCKERFILE.replace('\n', "\r\n")] {
        let sandbox = sandbox().file("repo/Dockerfile", &text);
        sccfg(&sandbox, &["docker", "--check"]).status(1);
        sccfg(&sandbox, &["docker", "--dry-run"])
            .status(0)
            .stdout_has("+    --mount=type=cache,id=sccfg-sccache");
        assert_eq!(sandbox.read("repo/Dockerfile"), text);
        sccfg(&sandbox, &["docker"])
            .status(0)
            .stdout_has("edited  Dockerfile  (sccache in 1 instruction)")
            .stdout_has("next:    build it: docker build .");
        let edited = sandbox.read("repo/Dockerfile");
        assert!(
            sandbox
                .read("repo/sccfg.toml")
                .ends_with("[docker]\nfiles = [\"Dockerfile\"]\n")
        );
        for again in [
            &["docker"][..],
            &["docker", "--check"],
            &["apply"],
            &["apply", "--check"],
        ] {
            sccfg(&sandbox, again).status(0);
            assert_eq!(sandbox.read("repo/Dockerfile"), edited, "{again:?}");
        }

        let policy = sandbox.read("repo/sccfg.toml");
        let remote = "\n[remote]\nbackend = \"redis\"\naddress = \"redis://cache.example.org\"\n";
        sandbox.write("repo/sccfg.toml", &format!("{policy}{remote}"));
        sccfg(&sandbox, &["apply", "--check"])
            .status(1)
            .stdout_has("--mount=type=secret,id=SCCACHE_REDIS_PASSWORD");
        sccfg(&sandbox, &["docker"])
            .status(0)
            .stdout_has("docker build --secret id=SCCACHE_REDIS_PASSWORD .");
        sccfg(&sandbox, &["docker", "--remove"]).status(0);
        assert_eq!(sandbox.read("repo/Dockerfile"), text);
        assert!(sandbox.read("repo/sccfg.toml").contains("[remote]"));
        sandbox.write("repo/sccfg.toml", &policy);
        sccfg(&sandbox, &["apply"]).status(0);
        assert_eq!(sandbox.read("repo/Dockerfile"), edited);
        sccfg(&sandbox, &["remove"]).status(0);
        assert_eq!(sandbox.read("repo/Dockerfile"), text);
        assert!(!sandbox.exists("repo/sccfg.toml"));
    }
}

#[test]
fn the_decision_for_each_instruction_has_a_reason() {
    let own = "FROM rust\nENV RUSTC_WRAPPER=sccache\nRUN cargo build\n";
    let sandbox = sandbox()
        .file("repo/Dockerfile", DOCKERFILE)
        .file("repo/docker/own.Dockerfile", own)
        .file(
            "repo/docker/Dockerfile.template",
            "FROM {{ image }}\nRUN cargo build\n",
        )
        .file(
            "repo/docker/Dockerfile.broken",
            "FORM rust\nRUN cargo build\n",
        );
    let explained = sccfg(&sandbox, &["docker", "--explain"]).status(0);
    for line in [
        "  line 6, builder: cached: sccache, /usr/local/cargo/registry, /usr/local/cargo/git",
        "  line 3, stage 0: not changed: RUSTC_WRAPPER is set in line 2",
    ] {
        assert!(
            explained.stdout.contains(line),
            "no `{line}` in {}",
            explained.stdout
        );
    }
    explained.stderr_has("docker/Dockerfile.broken:1:1: not a Dockerfile");
    let json = sccfg(&sandbox, &["docker", "--explain", "--json"]).status(0);
    let found: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(found["instructions"][0]["cached"], true, "{found:#}");
    assert!(!sandbox.exists("repo/sccfg.toml"));

    sccfg(&sandbox, &["docker", "docker/Dockerfile.broken"])
        .status(1)
        .stderr_has("docker/Dockerfile.broken:1:1: not a Dockerfile")
        .stderr_has("hint:");
    sccfg(&sandbox, &["docker"]).status(0);
    assert!(
        sandbox
            .read("repo/sccfg.toml")
            .contains("files = [\"Dockerfile\"]")
    );
    assert_eq!(sandbox.read("repo/docker/own.Dockerfile"), own);
}

#[test]
fn a_dockerfile_is_generated_for_a_workspace() {
    let sandbox = sandbox()
        .file(
            "repo/rust-toolchain.toml",
            "[toolchain]\nchannel = \"1.90.0\"\n",
        )
        .file("repo/src/bin/tool.rs", "fn main() {}\n");
    sccfg(&sandbox, &["docker", "--compose"])
        .status(0)
        .stdout_has("created Dockerfile")
        .stdout_has("created .dockerignore")
        .stdout_has("created compose.sccache.yaml");
    let text = sandbox.read("repo/Dockerfile");
    for line in [
        "FROM docker.io/library/rust:1.90.0-bookworm AS builder\n",
        "COPY --from=builder /src/target/release/app /src/target/release/tool /usr/local/bin/\n",
        "# <<< sccfg <<<\n cargo build --release\n",
    ] {
        assert!(text.contains(line), "no `{line}` in {text}");
    }
    sccfg(&sandbox, &["apply", "--check"]).status(0);
    sccfg(&sandbox, &["docker", "--remove"]).status(0);
    for file in [
        "Dockerfile",
        ".dockerignore",
        "compose.sccache.yaml",
        "sccfg.toml",
    ] {
        assert!(!sandbox.exists(&format!("repo/{file}")), "{file}");
    }

    // What a user has added stays.
    sccfg(&sandbox, &["docker"]).status(0);
    let edited = sandbox.read("repo/Dockerfile") + "EXPOSE 80\n";
    sandbox.write("repo/Dockerfile", &edited);
    sccfg(&sandbox, &["docker"]).status(0);
    assert_eq!(sandbox.read("repo/Dockerfile"), edited);
    sccfg(&sandbox, &["remove"]).status(0);
    let rest = sandbox.read("repo/Dockerfile");
    assert!(
        rest.ends_with("EXPOSE 80\n") && !rest.contains("sccache"),
        "{rest}"
    );
}

#[test]
fn nothing_is_generated_without_a_program_or_where_nix_builds_it() {
    let sandbox = Sandbox::new().file("repo/Cargo.toml", "[package]\nname = \"a\"\n");
    sccfg(&sandbox, &["docker"])
        .status(1)
        .stderr_has("no program in the workspace");
    let flake = "{ outputs = _: { packages.x86_64-linux.default = 1; }; }\n";
    let sandbox = self::sandbox().file("repo/flake.nix", flake);
    sccfg(&sandbox, &["docker"])
        .status(1)
        .stderr_has("flake.nix:1:18: there is no Dockerfile, and this flake builds packages")
        .stderr_has("dockerTools");
    sccfg(&sandbox, &["docker", "Dockerfile"]).status(0);
    assert!(sandbox.exists("repo/Dockerfile"));
}

#[test]
fn a_missing_or_damaged_dockerfile_is_named_and_nothing_is_written() {
    let sandbox = sandbox().file("repo/Dockerfile", DOCKERFILE);
    sccfg(&sandbox, &["docker"]).status(0);
    let edited = sandbox.read("repo/Dockerfile");
    let damaged = edited.replace("ENV RUSTC_WRAPPER", "RUN ls\nENV RUSTC_WRAPPER");
    sandbox.write("repo/Dockerfile", &damaged);
    for command in [
        &["apply"][..],
        &["remove"],
        &["docker"],
        &["docker", "--remove"],
    ] {
        sccfg(&sandbox, command)
            .status(1)
            .stderr_has("the lines below this one were edited")
            .stderr_has("hint:");
        assert_eq!(sandbox.read("repo/Dockerfile"), damaged, "{command:?}");
    }
    std::fs::remove_file(sandbox.path("repo/Dockerfile")).unwrap();
    for command in ["apply", "docker"] {
        sccfg(&sandbox, &[command])
            .status(1)
            .stderr_has("Dockerfile does not exist, and docker.files in sccfg.toml names it");
    }
    sccfg(&sandbox, &["docker", "Dockerfile", "api/Dockerfile"]).status(0);
    assert!(sandbox.exists("repo/Dockerfile") && sandbox.exists("repo/api/Dockerfile"));
}

/// A repository with a dev shell keeps it managed.
#[test]
fn images_and_dev_shells_are_independent() {
    let sandbox = sandbox()
        .file("repo/Dockerfile", DOCKERFILE)
        .file("repo/flake.nix", crate::doctor::FLAKE);
    sccfg(&sandbox, &["docker"]).status(0);
    sccfg(&sandbox, &["apply"]).status(0);
    assert_eq!(sandbox.read("repo/flake.nix"), crate::doctor::FLAKE);
    sccfg(&sandbox, &["init", "--no-user-config", "--size", "24GiB"]).status(0);
    sccfg(&sandbox, &["apply", "--check"])
        .status(1)
        .stdout_has("+    SCCACHE_CACHE_SIZE=24G");
    sccfg(&sandbox, &["apply", "--no-user-config"]).status(0);
    sccfg(&sandbox, &["remove"]).status(0);
    assert_eq!(sandbox.read("repo/flake.nix"), crate::doctor::FLAKE);
    assert_eq!(sandbox.read("repo/Dockerfile"), DOCKERFILE);
}
