//! The files that `sccfg dist` writes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::remote::Machine;

const URL: &str = "http://127.0.0.1:10600";
const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";

#[requires(sccache)]
#[test]
fn the_client_is_undone_byte_for_byte() {
    let machine = Machine::new();
    let token = machine.write("token", "hunter22\n");
    let add = ["dist", "client", URL, "--token-file", &token];
    let config = machine.config();
    let ran = machine
        .sccfg(&[&add[..], &["--dry-run"]].concat())
        .status(0);
    assert!(
        !config.exists() && !ran.stdout.contains("hunter22"),
        "{ran:?}"
    );

    machine.sccfg(&add).status(0);
    assert!(fs::read_to_string(&config).unwrap().contains("hunter22"));
    machine.sccfg(&["config", "check"]).status(0);
    machine
        .sccfg(&["dist", "client", "--remove"])
        .status(0)
        .stdout_has("deleted");
    assert!(!config.exists());

    let mine = "# mine\n[cache.disk]\nsize = \"24G\" # enough";
    fs::write(&config, mine).unwrap();
    machine
        .sccfg(&add)
        .status(1)
        .stderr_has("other users can read");
    fs::set_permissions(&config, fs::Permissions::from_mode(0o600)).unwrap();
    machine.sccfg(&add).status(0);
    let ran = machine
        .sccfg(&[
            "dist",
            "client",
            "https://dist.example.org",
            "--token-file",
            &token,
        ])
        .status(0)
        .stdout_has("edited");
    assert!(!format!("{ran:?}").contains("hunter22"), "{ran:?}");
    machine.sccfg(&["dist", "client", "--remove"]).status(0);
    assert_eq!(fs::read_to_string(&config).unwrap(), mine);
    machine
        .sccfg(&["dist", "client", "--remove"])
        .status(0)
        .stdout_has("nothing to do");
    let json = machine.sccfg(&["dist", "client", "--remove", "--json"]);
    json.status(0).stdout_has("\"files\":[]");
}

#[requires(sccache, proc)]
#[test]
fn a_damaged_region_of_the_client_is_reported() {
    let machine = Machine::new();
    let token = machine.write("token", "hunter22\n");
    let add = ["dist", "client", URL, "--token-file", &token];
    let config = machine.config();
    machine.sccfg(&add).status(0);
    let text = fs::read_to_string(&config).unwrap();
    for (part, said) in [
        ("distributed", "this sccfg begin marker was edited"),
        (
            "# <<< sccfg <<<",
            "`# <<< sccfg <<<` is missing after this line",
        ),
    ] {
        let damaged = text.replacen(part, "", 1);
        assert_ne!(damaged, text);
        fs::write(&config, &damaged).unwrap();
        for args in [&add[..], &["dist", "client", "--remove"]] {
            machine
                .sccfg(args)
                .status(1)
                .stderr_has(&format!(":1:1: {said}"))
                .stderr_has("hint: ");
        }
        let doctor = machine.sccfg(&["doctor"]).status(1);
        doctor.stdout_has("warning[S062]").stdout_has(said);
        assert_eq!(fs::read_to_string(&config).unwrap(), damaged);
    }
}

#[requires(sccache)]
#[test]
fn what_is_not_a_secret_or_a_url_is_refused() {
    let machine = Machine::new();
    let token = machine.write("token", "two words\n");
    let client = |url: &str| machine.sccfg(&["dist", "client", url, "--token-file", &token]);
    client(URL)
        .status(1)
        .stderr_has("hint: create it: (umask 077; sccache-dist auth generate-shared-token");
    for url in ["10.0.0.1:10600", "http://h/path", "redis://h"] {
        client(url)
            .status(2)
            .stderr_has("is not the URL of a scheduler");
    }
    machine
        .sccfg(&["dist", "client", URL, "--token-file", "missing"])
        .status(1)
        .stderr_has("file not found");
    machine.write("token", "a-token");
    client("http://192.168.1.1:10600")
        .status(0)
        .stderr_has("everyone on the network path to the scheduler can read the token");
}

#[requires(sccache)]
#[test]
fn only_compilers_of_the_nix_store_are_packed() {
    let machine = Machine::new();
    machine
        .sccfg(&["dist", "toolchain", "cc"])
        .status(1)
        .stderr_has("is not in the Nix store")
        .stderr_has("hint: sccache packs other compilers by itself");
    assert!(!machine.config().exists());
}

#[requires(sccache)]
#[test]
fn files_of_others_and_directories_in_use_are_kept() {
    let machine = Machine::new();
    let token = machine.write("token", "a-token");
    let key = machine.write("key", KEY);
    let scheduler = [
        "dist",
        "scheduler",
        "--client-token-file",
        &token,
        "--server-key-file",
        &key,
    ];
    machine.write("scheduler.conf", "# mine\n");
    machine
        .sccfg(&scheduler)
        .status(1)
        .stderr_has("was not written by sccfg");
    fs::remove_file(machine.sandbox.path("scheduler.conf")).unwrap();
    machine.sccfg(&scheduler).status(0);
    machine
        .sccfg(&scheduler)
        .status(0)
        .stdout_has("nothing to do");

    let jwt = machine.write("jwt", "a.b.c\n");
    let home = machine.sandbox.path("").display().to_string();
    let server = [
        "dist",
        "server",
        URL,
        "--address",
        "127.0.0.1:1",
        "--bwrap",
        "/bin/true",
    ];
    let run = |build_dir: &str, file: &str| {
        let more = ["--token-file", file, "--build-dir", build_dir];
        machine.sccfg(&[&server[..], &more].concat())
    };
    run(&home, &jwt)
        .status(1)
        .stderr_has("sccache-dist would remove the directory when it starts");
    run("relative", &jwt).status(2).stderr_has("absolute path");
    run("/nowhere/build", &token)
        .status(1)
        .stderr_has("does not contain the token of this build server");
    let ran = run("/nowhere/build", &jwt).status(0);
    assert!(!ran.stdout.contains("a.b.c"), "{ran:?}");
    assert!(machine.sandbox.read("server.conf").contains("a.b.c"));
}
