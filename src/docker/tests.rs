//! Reading Dockerfiles, and inserting and removing lines.

use std::path::Path;

use super::*;
use crate::remote::{Kind, Remote};

/// The Dockerfile with sccache, and a line for each decision.
fn edited_with(text: &str, remote: &Remote) -> anyhow::Result<(String, Vec<String>)> {
    let path = Path::new("Dockerfile");
    let stripped = without_regions(path, text)?;
    let dockerfile = Dockerfile::read(path, text, &stripped)?;
    let (edits, decisions) = decide(&dockerfile)?;
    let settings = Settings::new(Some("24GiB".parse().unwrap()), remote)?;
    let after = with_cache(&dockerfile, &edits, &settings)?;
    let decisions = decisions
        .iter()
        .map(|decision| format!("{} {}: {}", decision.line, decision.stage, decision.why));
    Ok((after, decisions.collect()))
}

#[track_caller]
fn edited(text: &str) -> (String, Vec<String>) {
    let (after, decisions) =
        edited_with(text, &Remote::default()).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    let again = edited_with(&after, &Remote::default()).unwrap().0;
    assert_eq!(again, after, "a second run changes nothing");
    let undone = without_regions(Path::new("Dockerfile"), &after).unwrap();
    assert_eq!(undone.text, text, "it is undone byte for byte");
    (after, decisions)
}

#[track_caller]
fn refused(text: &str) -> String {
    let error = edited_with(text, &Remote::default()).unwrap_err();
    let problem = error.downcast::<sccfg_util::problem::Problem>().unwrap();
    assert!(problem.hint.is_some(), "{problem}");
    problem.to_string()
}

/// The lines that start an instruction of sccfg.
fn ours(text: &str) -> Vec<&str> {
    let starts = [
        "FROM docker.io/library/alpine",
        "FROM --platform",
        "COPY --from=sccfg",
    ];
    let is_ours = |line: &&str| {
        let line = line.trim_start();
        starts.iter().any(|start| line.starts_with(start)) || line.starts_with("--mount=")
    };
    text.lines().filter(is_ours).map(str::trim).collect()
}

#[test]
fn an_instruction_gets_its_mounts_and_the_stage_its_settings() {
    let (after, decisions) =
        edited("FROM rust:1.89 AS builder\nCOPY . .\n# all\nRUN cargo build --release\n");
    assert_eq!(
        decisions,
        ["4 builder: cached: sccache, /usr/local/cargo/registry, /usr/local/cargo/git"]
    );
    assert_eq!(
        ours(&after),
        [
            "FROM docker.io/library/alpine:3.22 AS sccfg",
            "COPY --from=sccfg /opt/sccfg /opt/sccfg",
            "--mount=type=cache,id=sccfg-sccache,target=/var/cache/sccache,sharing=shared \\",
            "--mount=type=tmpfs,target=/run/sccfg \\",
            "--mount=type=cache,id=sccfg-cargo-registry,target=/usr/local/cargo/registry,sharing=locked \\",
            "--mount=type=cache,id=sccfg-cargo-git,target=/usr/local/cargo/git,sharing=locked \\",
        ]
    );
    assert!(after.contains("    SCCACHE_CACHE_SIZE=24G\n"), "{after}");
    assert!(
        after.contains("# <<< sccfg <<<\n# all\nRUN \\\n"),
        "{after}"
    );
    assert!(
        after.ends_with("# <<< sccfg <<<\n cargo build --release\n"),
        "{after}"
    );
}

#[test]
fn whatever_is_written_stays() {
    for text in [
        // Directives stay in front, comments with their instructions.
        "# syntax=docker/dockerfile:1\n# check=skip=X\n# ours\nFROM rust AS b\nRUN cargo build",
        "# escape=`\nFROM rust\nRUN cargo build `\n  --release\n",
        "FROM rust\r\nRUN cargo build \\\r\n  # why\r\n  --release\r\n",
        "\u{feff}FROM rust\nRUN cargo build\n",
        "FROM rust\nRUN \\\n    --mount=type=cache,target=/x \\\n<<EOF\n# cargo test\ncargo build\nEOF\nCMD [\"a\"]\n",
        "FROM rust\nrun --network=none set -e; \\\n\\\n # a\n\n  cargo build \\\n  --release # not a comment\n",
        "FROM rust\nRUN [\"cargo\", \"build\", \"a b\"]\nCMD [ \"/a\" ]\n",
        "FROM rust\n  RUN\tcargo build\nSHELL [\"/bin/bash\", \"-c\"]\n",
        "ARG V=1.89\nFROM rust:${V}\nARG V\nENV A=\"b c\" D=$V\nENV E f g\nRUN cargo test;\n",
    ] {
        let (after, decisions) = edited(text);
        assert_eq!(decisions.len(), 1, "{text}: {decisions:?}");
        assert_eq!(after.matches("id=sccfg-sccache,").count(), 1, "{after}");
    }
    let (after, _) = edited("# syntax=docker/dockerfile:1\n# ours\nFROM rust\nRUN cargo build\n");
    assert!(
        after.starts_with("# syntax=docker/dockerfile:1\n# >>> sccfg >>>"),
        "{after}"
    );
    assert!(
        after.contains("# <<< sccfg <<<\n# ours\nFROM rust\n"),
        "{after}"
    );
}

#[test]
fn stages_inherit_what_they_are_based_on() {
    let text = "FROM --platform=$BUILDPLATFORM lukemathwalker/cargo-chef:latest AS chef\nWORKDIR /a\n\
        FROM chef AS planner\nRUN cargo chef prepare\n\
        FROM chef AS builder\nRUN cargo chef cook --release\nRUN cargo build --release\n\
        FROM Builder AS tester\nRUN cargo test\nFROM debian\nRUN apt-get install -y cargo\n";
    let (after, decisions) = edited(text);
    assert_eq!(decisions.len(), 3, "{decisions:?}");
    assert_eq!(after.matches("COPY --from=sccfg ").count(), 1, "{after}");
    let install = "FROM --platform=$BUILDPLATFORM docker.io/library/alpine:3.22 AS sccfg\n";
    assert!(after.contains(install), "{after}");

    let text = "FROM rust AS a\nRUN cargo build\nFROM --platform=$BUILDPLATFORM rust AS b\nRUN cargo build\n";
    let (after, _) = edited(text);
    assert!(after.contains("COPY --from=sccfg /"), "{after}");
    assert!(after.contains("COPY --from=sccfg-2 /"), "{after}");
}

#[test]
fn the_directories_of_cargo_are_where_the_stage_has_them() {
    for (start, expected) in [
        (
            "FROM rust:1",
            "/usr/local/cargo/registry, /usr/local/cargo/git",
        ),
        (
            "ARG I=x/rust:${V}\nFROM ${I}",
            "/usr/local/cargo/registry, /usr/local/cargo/git",
        ),
        ("FROM debian", "/root/.cargo/registry, /root/.cargo/git"),
        ("FROM rust\nENV CARGO_HOME=/c", "/c/registry, /c/git"),
    ] {
        let (_, decisions) = edited(&format!("{start}\nRUN cargo build\n"));
        let all = format!("cached: sccache, {expected}");
        assert!(decisions[0].ends_with(&all), "{start}: {decisions:?}");
    }
    for (start, why) in [
        (
            "FROM rust\nENV CARGO_HOME=$X",
            "the value of CARGO_HOME is not known",
        ),
        ("FROM debian\nUSER me", "the home directory is not known"),
        (
            "FROM rust\nRUN cargo build --offline",
            "another instruction is offline",
        ),
        (
            "FROM rust\nRUN rm -rf $CARGO_HOME/registry",
            "another instruction names",
        ),
        (
            "FROM rust\nENV D=${S:+/usr/local/cargo/registry/src}",
            "another instruction names",
        ),
    ] {
        let (after, decisions) = edited(&format!("{start}\nRUN cargo build\n"));
        assert!(decisions[0].contains(why), "{start}: {decisions:?}");
        assert!(!after.contains("sccfg-cargo"), "{after}");
    }
    let text = "FROM rust\nRUN --mount=type=cache,target=$CARGO_HOME/registry/index cargo build\n";
    let (after, _) = edited(text);
    assert!(
        !after.contains("sccfg-cargo-registry") && after.contains("sccfg-cargo-git"),
        "{after}"
    );
}

#[test]
fn each_user_has_directories_of_its_own() {
    let (after, _) =
        edited("FROM rust\nUSER app:app\nRUN cargo build\nUSER 1000\nRUN cargo test\n");
    assert!(
        after.contains("id=sccfg-sccache-app,target=/var/cache/sccache,sharing=shared,mode=0777")
    );
    assert!(
        after.contains("id=sccfg-sccache-1000,target=/var/cache/sccache,sharing=shared,uid=1000")
    );
    let (after, decisions) = edited("FROM rust\nUSER $U\nRUN cargo build\n");
    assert!(!after.contains("sccfg"), "{after}");
    assert!(
        decisions[0].contains("not changed: its user is a build argument"),
        "{decisions:?}"
    );
}

#[test]
fn instructions_with_their_own_setup_are_kept() {
    for text in [
        "FROM rust\nENV RUSTC_WRAPPER=sccache\nRUN cargo build\n",
        "FROM rust\nRUN RUSTC_WRAPPER=sccache cargo build\n",
        "FROM rust\nONBUILD RUN cargo build\n",
        "FROM rust\nRUN make\n",
    ] {
        let (after, decisions) = edited(text);
        assert_eq!(after, text);
        assert!(
            decisions
                .iter()
                .all(|decision| decision.contains("not changed")),
            "{decisions:?}"
        );
    }
}

#[test]
fn what_cannot_be_edited_is_refused_with_its_location() {
    for (text, expected) in [
        (
            "FROM rust\nRUN cargo build\nFROM debian\nCOPY --from=0 /a /b\n",
            "Dockerfile:4:6: a stage is referred to by its number",
        ),
        (
            "FROM rust\nRUN cargo build\nFROM debian\nRUN --mount=from=0,target=/a ls\n",
            "Dockerfile:4:13: a stage is referred to by its number",
        ),
        (
            "FROM rust AS sccfg\nRUN cargo build\n",
            "Dockerfile:1:1: a stage has the name `sccfg`",
        ),
        (
            "# syntax=docker/dockerfile:1.1\nFROM rust\nRUN cargo build\n",
            "Dockerfile:1:3: `docker/dockerfile:1.1` has no cache mounts",
        ),
        (
            "FROM mcr.microsoft.com/windows/servercore\nRUN cargo build\n",
            "Dockerfile:1:1: images of Windows",
        ),
        (
            "FROM rust\n{% if a %}\nRUN cargo build\n",
            "Dockerfile:2:1: not a Dockerfile",
        ),
        (
            "FROM rust\nRUN cat <<EOF >x\ncargo build\nEOF\n",
            "Dockerfile:3:1: not a Dockerfile",
        ),
        ("", "not a Dockerfile"),
    ] {
        let problem = refused(text);
        assert!(problem.contains(expected), "{problem}");
    }
}

#[test]
fn locations_are_those_of_the_file_with_its_regions() {
    let (after, _) = edited("FROM rust\nRUN cargo build\n");
    let line = after.lines().count() + 1;
    let problem = refused(&format!("{after}COPY --from=0 /a /b\n"));
    assert!(
        problem.starts_with(&format!("Dockerfile:{line}:6: ")),
        "{problem}"
    );
}

#[test]
fn what_was_written_between_the_markers_is_not_lost() {
    let (after, _) = edited("FROM rust\nRUN cargo build\n");
    let added = after.replace(
        "# <<< sccfg <<<\nRUN",
        "RUN apt-get update\n# <<< sccfg <<<\nRUN",
    );
    assert!(refused(&added).contains("the lines below this one were edited"));
    let indented = after.replace("    --mount", "  --mount");
    assert!(edited_with(&indented, &Remote::default()).is_ok());
    let endless = after.replace("# <<< sccfg <<<\n cargo", " cargo");
    assert!(refused(&endless).contains("has no end"));
    let headless = after.replacen("# >>> sccfg >>>", "# >> sccfg >>", 1);
    assert!(refused(&headless).contains("this sccfg end marker has no begin marker"));
    let joined = after.replace("RUN \\\n# >>>", "RUN\n# >>>");
    assert!(refused(&joined).contains("has to end with a space and a line continuation"));
}

#[test]
fn secrets_are_mounted_and_never_written() {
    let remote = Remote {
        backend: Some(Kind::Redis),
        address: Some("redis://cache.example.org".to_owned()),
        ..Remote::default()
    };
    let (after, _) = edited_with("FROM rust\nUSER app\nRUN cargo build\n", &remote).unwrap();
    for part in [
        "    --mount=type=secret,id=SCCACHE_REDIS_PASSWORD,mode=0444 \\\n",
        "    SCCACHE_REDIS_ENDPOINT=redis://cache.example.org \\\n",
        "    SCCACHE_MULTILEVEL_CHAIN=disk,redis\n",
        "(unset SCCACHE_REDIS_ENDPOINT SCCACHE_MULTILEVEL_CHAIN; ",
    ] {
        assert!(after.contains(part), "no `{part}` in {after}");
    }
    let public = Remote {
        backend: Some(Kind::S3),
        address: Some("builds".to_owned()),
        region: Some("eu-central-1".to_owned()),
        public: true,
        ..Remote::default()
    };
    let (after, _) = edited_with("FROM rust\nRUN cargo build\n", &public).unwrap();
    assert!(!after.contains("type=secret") && after.contains("SCCACHE_S3_NO_CREDENTIALS=true"));
}

#[test]
fn dockerfiles_are_known_by_their_names() {
    for name in [
        "Dockerfile",
        "Dockerfile.alpine",
        "api.Dockerfile",
        "Containerfile",
        "Dockerfile-20.04",
    ] {
        assert!(is_dockerfile(name), "{name}");
    }
    for name in [
        ".dockerignore",
        "Dockerfile.j2",
        "Dockerfile.dockerignore",
        "dockerfiles.rs",
    ] {
        assert!(!is_dockerfile(name), "{name}");
    }
}

#[test]
fn an_error_has_the_line_of_the_file_with_its_regions() {
    let (after, _) = edited("FROM rust:1.89\nRUN cargo build\n");
    let broken = format!("{after}COPY\n");
    let said = refused(&broken);
    let line = broken.lines().count();
    assert!(line > 3, "{broken}");
    assert!(said.contains(&format!("Dockerfile:{line}:1")), "{said}");
    assert!(!said.contains("at line"), "{said}");
}
