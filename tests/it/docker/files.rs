//! Which Dockerfiles `sccfg docker` finds, and which it restores.

use crate::docker::edit::{DOCKERFILE, sandbox, sccfg};
use crate::support::Sandbox;

const PLAIN: &str = "FROM rust:1.89-slim\nRUN cargo build --release\n";

#[track_caller]
fn git(sandbox: &Sandbox, args: &[&str]) {
    let mut git = sandbox.command("git");
    let status = git.arg("-C").arg(sandbox.path("repo")).args(args).status();
    assert!(status.unwrap().success(), "git {args:?}");
}

#[test]
fn a_dockerfile_of_any_name_is_restored() {
    for remove in [&["docker", "--remove"][..], &["remove"]] {
        let sandbox = sandbox()
            .file("repo/.gitignore", "ignored\n")
            .file("repo/docker/app.df", DOCKERFILE)
            .file("repo/ignored/Dockerfile", DOCKERFILE);
        sccfg(&sandbox, &["docker", "docker/app.df", "ignored/Dockerfile"]).status(0);
        assert_ne!(sandbox.read("repo/docker/app.df"), DOCKERFILE);
        sccfg(&sandbox, remove).status(0);
        assert_eq!(sandbox.read("repo/docker/app.df"), DOCKERFILE);
        assert_eq!(sandbox.read("repo/ignored/Dockerfile"), DOCKERFILE);
        assert!(!sandbox.exists("repo/sccfg.toml"));
    }
}

/// A name that a user takes out of `docker.files` is not known any more; git finds the markers.
#[test]
fn a_dockerfile_that_was_taken_out_of_the_policy_is_restored() {
    let manual =
        "# Manual\n\n```dockerfile\nRUN \\\n# >>> sccfg mounts >>> rendered from sccfg.toml\n```\n";
    let sandbox = sandbox()
        .file("repo/docker/app.df", DOCKERFILE)
        .file("repo/docker/link.df", PLAIN)
        .file("repo/manual.md", manual);
    git(&sandbox, &["init", "--quiet"]);
    std::os::unix::fs::symlink("docker/link.df", sandbox.path("repo/Dockerfile")).unwrap();
    git(&sandbox, &["add", "."]);
    sccfg(&sandbox, &["docker", "docker/app.df", "Dockerfile"]).status(0);
    let policy = sandbox.read("repo/sccfg.toml");
    let without = policy.replace("\"docker/app.df\", ", "");
    assert_ne!(policy, without);
    sandbox.write("repo/sccfg.toml", &without);
    sccfg(&sandbox, &["apply", "--check"])
        .status(1)
        .stdout_has("docker/app.df");
    sccfg(&sandbox, &["apply"]).status(0);
    assert_eq!(sandbox.read("repo/docker/app.df"), DOCKERFILE);
    assert_eq!(sandbox.read("repo/manual.md"), manual);
    // The file that the link leads to is managed by the name of the link.
    assert_ne!(sandbox.read("repo/docker/link.df"), PLAIN);
    sccfg(&sandbox, &["apply", "--check"]).status(0);
    sccfg(&sandbox, &["remove"]).status(0);
    assert_eq!(sandbox.read("repo/docker/link.df"), PLAIN);
}

/// `docker build .` reads it, whatever git knows of it.
#[test]
fn a_dockerfile_that_git_ignores_or_that_is_a_link_is_edited() {
    let ignored = sandbox()
        .file("repo/.gitignore", "Dockerfile\n")
        .file("repo/Dockerfile", PLAIN);
    let linked = sandbox().file("repo/docker/prod.df", PLAIN);
    std::os::unix::fs::symlink("docker/prod.df", linked.path("repo/Dockerfile")).unwrap();
    for (sandbox, file) in [
        (ignored, "repo/Dockerfile"),
        (linked, "repo/docker/prod.df"),
    ] {
        sccfg(&sandbox, &["docker"])
            .status(0)
            .stdout_has("(sccache in 1 instruction)");
        assert!(sandbox.read(file).contains("sccfg mounts"), "{file}");
        sccfg(&sandbox, &["docker", "--check"]).status(0);
        sccfg(&sandbox, &["docker", "--remove"]).status(0);
        assert_eq!(sandbox.read(file), PLAIN);
        assert!(!sandbox.exists("repo/sccfg.toml"));
    }
}

#[test]
fn dockerfiles_of_others_are_not_changed() {
    let others = [
        "repo/vendor/ring/Dockerfile",
        "repo/submodule/Dockerfile",
        "repo/project/Dockerfile",
    ];
    let mut sandbox = sandbox()
        .file("repo/Dockerfile", PLAIN)
        .file("repo/submodule/.git", "gitdir: ../.git/modules/submodule\n")
        .file("repo/project/sccfg.toml", "");
    for other in others {
        sandbox = sandbox.file(other, PLAIN);
    }
    sccfg(&sandbox, &["docker"]).status(0);
    let policy = sandbox.read("repo/sccfg.toml");
    assert!(policy.ends_with("files = [\"Dockerfile\"]\n"), "{policy}");
    for other in others {
        assert_eq!(sandbox.read(other), PLAIN, "{other}");
    }
    // One that is named is managed.
    sccfg(&sandbox, &["docker", "vendor/ring/Dockerfile"]).status(0);
    assert_ne!(sandbox.read("repo/vendor/ring/Dockerfile"), PLAIN);
    sccfg(&sandbox, &["docker", "--remove"]).status(0);
    assert_eq!(sandbox.read("repo/vendor/ring/Dockerfile"), PLAIN);
}

#[test]
fn generated_files_are_deleted_by_remove_only() {
    let sandbox = sandbox().file("repo/api/Dockerfile", DOCKERFILE);
    sccfg(&sandbox, &["docker", "Dockerfile"]).status(0);
    sccfg(&sandbox, &["docker", "api/Dockerfile"])
        .status(0)
        .stdout_has("edited  Dockerfile  (restored)");
    assert!(sandbox.exists("repo/.dockerignore"));
    let generated = sandbox.read("repo/Dockerfile");
    assert!(!generated.contains("sccfg mounts"), "{generated}");
    sccfg(&sandbox, &["docker", "--remove"]).status(0);
    assert!(!sandbox.exists("repo/Dockerfile") && !sandbox.exists("repo/.dockerignore"));
    assert_eq!(sandbox.read("repo/api/Dockerfile"), DOCKERFILE);
}

#[test]
fn a_faulty_back_end_is_named_and_no_dockerfile_is_blamed() {
    let remote = "[remote]\nbackend = \"s3\"\naddress = \"builds\"\n";
    let sandbox = sandbox()
        .file("repo/Dockerfile", PLAIN)
        .file("repo/sccfg.toml", remote);
    let ran = sccfg(&sandbox, &["docker"])
        .status(1)
        .stderr_has("sccfg.toml:1:2: S3 requires a region")
        .stderr_has("`region` in [remote] of sccfg.toml");
    assert!(!ran.stderr.contains("no Dockerfile"), "{}", ran.stderr);
}

#[test]
fn a_hint_about_docker_files_fits_a_file_that_is_not_in_it() {
    let windows = "FROM mcr.microsoft.com/windows/servercore:ltsc2022\nRUN cargo build\n";
    let sandbox = sandbox().file("repo/windows/Dockerfile", windows);
    sccfg(&sandbox, &["docker", "windows/Dockerfile"])
        .status(1)
        .stderr_has("windows/Dockerfile:1:1: images of Windows have no cache mounts")
        .stderr_has(
            "hint: do not name this file, neither as an argument nor in docker.files of sccfg.toml",
        );
}
