//! Directories of sccfg that builds cannot use: `sccfg doctor` and the commands that need them say which, and what to do.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use rstest::rstest;

use crate::support::{Ran, Sandbox};

/// Whose home directory it is.
const USER: u32 = 65534;
const STATE: &str = "home/.cache/sccfg/wrapper";

/// A repository with the portable wrapper, and the home directory of a user.
struct Machine {
    sandbox: Sandbox,
    sccfg: PathBuf,
}

impl Machine {
    /// The home directory is the one of the user who runs the tests.
    fn new() -> Self {
        let sandbox = Sandbox::below(Path::new("/tmp"), "")
            .file("repo/sccfg.toml", "[cargo]\nwrapper = \"portable\"\n");
        fs::create_dir_all(sandbox.path(STATE)).unwrap();
        Self {
            sandbox,
            sccfg: env!("CARGO_BIN_EXE_sccfg").into(),
        }
    }

    /// The home directory is the one of another user, who can run `sccfg` as well.
    fn of_other_user() -> Self {
        let machine = Self::new();
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(machine.sandbox.path(""), open).unwrap();
        let sccfg = machine.sandbox.path("bin/sccfg");
        fs::create_dir(sccfg.parent().unwrap()).unwrap();
        fs::copy(&machine.sccfg, &sccfg).unwrap();
        for name in ["home", "home/.cache", "home/.cache/sccfg", STATE] {
            machine.belongs_to(name, USER);
        }
        Self { sccfg, ..machine }
    }

    fn belongs_to(&self, name: &str, user: u32) {
        chown(self.sandbox.path(name), Some(user), Some(user)).unwrap();
    }

    fn has_mode(&self, name: &str, mode: u32) {
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(self.sandbox.path(name), mode).unwrap();
    }

    fn path(&self, name: &str) -> String {
        self.sandbox.path(name).to_str().unwrap().to_owned()
    }

    /// `sccfg`, run by this command before it.
    #[track_caller]
    fn run(&self, before: &[&str], args: &[&str]) -> Ran {
        let sccfg = self.sccfg.to_str().unwrap();
        let words: Vec<&str> = before.iter().copied().chain([sccfg]).collect();
        let mut command = self.sandbox.command(words[0]);
        command.args(&words[1..]).args(args);
        command.current_dir(self.sandbox.path("repo"));
        command.env("XDG_RUNTIME_DIR", self.sandbox.path("home"));
        let output = command.output().unwrap();
        Ran::new(format!("sccfg {}", args.join(" ")), &output)
    }

    /// `sccfg` as the other user.
    #[track_caller]
    fn by_user(&self, args: &[&str]) -> Ran {
        let user = format!("--reuid={USER}");
        self.run(&["setpriv", &user, "--clear-groups", "--"], args)
    }

    /// `sccfg` after a line of sh that mounts something.
    #[track_caller]
    fn mounted(&self, mount: &str, args: &[&str]) -> Ran {
        let script = format!("{mount} && exec \"$0\" \"$@\"");
        let before = ["unshare", "--map-root-user", "--mount"];
        let before: Vec<&str> = before.into_iter().chain(["sh", "-c", &script]).collect();
        self.run(&before, args)
    }
}

/// What `doctor --json` says of `S061`.
#[track_caller]
fn told(ran: &Ran) -> Vec<String> {
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).expect(&ran.stderr);
    let problems = json["problems"].as_array().unwrap().iter();
    let told = problems.filter(|problem| problem["code"] == "S061");
    let words = |problem: &serde_json::Value| {
        let [what, advice] = ["what", "advice"].map(|name| problem[name].as_str().unwrap());
        format!("{what}; {advice}")
    };
    told.map(words).collect()
}

const DOCTOR: [&str; 2] = ["doctor", "--json"];

/// As after `sudo cargo build` with the `HOME` of the user, of an sccfg that created what was missing.
#[requires(setpriv, root, other_users)]
#[test]
fn a_state_directory_that_belongs_to_root_is_reported() {
    let machine = Machine::of_other_user();
    assert_eq!(told(&machine.by_user(&DOCTOR)), [""; 0]);
    machine.belongs_to("home/.cache/sccfg", 0);
    machine.has_mode("home/.cache/sccfg", 0o700);
    let place = machine.path("home/.cache/sccfg");
    let owner = format!("{place} belongs to another user (uid 0)");
    let remedy = format!("sudo chown -R {USER} {place}");
    let found = told(&machine.by_user(&DOCTOR));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].contains("the state directory"), "{found:#?}");
    for words in [&owner, &remedy] {
        assert!(found[0].contains(words), "no `{words}` in {found:#?}");
    }
    for (args, what) in [
        (&["store", "status"][..], "nothing can be stored"),
        (&["store", "verify"], "could not verify the store in"),
        (&["store", "clear", "--yes"], "could not clear the store in"),
        (&["wrapper", "clean"], "could not remove"),
    ] {
        let ran = machine.by_user(args).status(1);
        ran.stderr_has(what)
            .stderr_has(&owner)
            .stderr_has(&format!("hint: give it to this user: {remedy}"));
    }
    machine.belongs_to("home/.cache/sccfg", USER);
    assert_eq!(told(&machine.by_user(&DOCTOR)), [""; 0]);
    machine.by_user(&["store", "verify"]).status(0);
    machine.by_user(&["wrapper", "clean"]).status(0);
}

#[requires(setpriv, root, other_users)]
#[test]
fn what_root_has_saved_is_reported_and_cannot_be_removed() {
    let machine = Machine::of_other_user();
    machine
        .sandbox
        .write(&format!("{STATE}/sources/a8/a8b0"), "");
    machine
        .sandbox
        .write(&format!("{STATE}/sources/b0/b0a8"), "");
    machine.belongs_to(&format!("{STATE}/sources"), USER);
    let (state, place) = (machine.path(STATE), format!("{STATE}/sources/a8"));
    let owner = format!("{} belongs to another user (uid 0)", machine.path(&place));
    let remedy = format!("sudo chown -R {USER} {state}");
    let found = told(&machine.by_user(&DOCTOR));
    assert_eq!(found.len(), 1, "{found:#?}");
    for words in ["all of the state directory", &owner, "1 more", &remedy] {
        assert!(found[0].contains(words), "no `{words}` in {found:#?}");
    }
    machine
        .by_user(&["wrapper", "clean"])
        .status(1)
        .stderr_has(&format!("could not remove {state}: {owner}"))
        .stderr_has(&format!("hint: give it to this user: {remedy}"));
}

/// What earlier versions left if root built after the user.
#[rstest]
#[case::lock("locks/a80")]
#[case::lock_of_the_store("store/locks/254")]
#[requires(setpriv, root, other_users)]
fn a_part_of_the_state_that_belongs_to_root_is_reported(#[case] part: &str) {
    let machine = Machine::of_other_user();
    let part = format!("{STATE}/{part}");
    // The mark of a store.
    machine.sandbox.write(&format!("{STATE}/store/lock"), "");
    machine.belongs_to(&format!("{STATE}/store"), USER);
    machine.belongs_to(&format!("{STATE}/store/lock"), USER);
    machine.sandbox.write(&part, "");
    let mut above = Path::new(&part).parent().unwrap();
    while above != Path::new(STATE) {
        machine.belongs_to(above.to_str().unwrap(), USER);
        above = above.parent().unwrap();
    }
    let place = machine.path(&part);
    let found = told(&machine.by_user(&DOCTOR));
    assert_eq!(found.len(), 1, "{found:#?}");
    let owner = format!("{place} belongs to another user (uid 0)");
    assert!(found[0].contains(&owner), "{found:#?}");
    let directory = if part.contains("store") { "/store" } else { "" };
    let directory = machine.path(STATE) + directory;
    let remedy = format!("sudo chown -R {USER} {directory}");
    assert!(found[0].contains(&remedy), "{found:#?}");
    machine.belongs_to(&part, USER);
    assert_eq!(told(&machine.by_user(&DOCTOR)), [""; 0]);
}

#[requires(setpriv, root, other_users)]
#[test]
fn a_store_that_cannot_be_listed_is_not_verified() {
    let machine = Machine::of_other_user();
    let entries = format!("{STATE}/store/entries");
    machine.sandbox.write(&format!("{STATE}/store/lock"), "");
    fs::create_dir_all(machine.path(&format!("{entries}/ab"))).unwrap();
    for name in ["lock", "entries", ""] {
        machine.belongs_to(&format!("{STATE}/store/{name}"), USER);
    }
    machine.by_user(&["store", "verify"]).status(0);
    machine.has_mode(&format!("{entries}/ab"), 0o700);
    let place = machine.path(&format!("{entries}/ab"));
    machine
        .by_user(&["store", "verify"])
        .status(1)
        .stderr_has("could not verify the store in")
        .stderr_has(&format!("{place} belongs to another user (uid 0)"));
}

/// Root does not write there.
#[requires(root)]
#[test]
fn root_is_told_that_a_state_directory_belongs_to_a_user() {
    let machine = Machine::of_other_user();
    let found = told(&machine.run(&[], &DOCTOR));
    assert_eq!(found.len(), 1, "{found:#?}");
    for words in [
        "belongs to another user (uid 65534)",
        "build as that user, or name another directory in SCCFG_WRAPPER_DIR",
    ] {
        assert!(found[0].contains(words), "no `{words}` in {found:#?}");
    }
}

#[test]
fn a_file_in_the_place_of_a_directory_is_reported() {
    let machine = Machine::new();
    let state = machine.path(STATE);
    fs::remove_dir(&state).unwrap();
    fs::write(&state, "").unwrap();
    let found = told(&machine.run(&[], &DOCTOR));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].contains("is not a directory"), "{found:#?}");
}

#[requires(setpriv, root, other_users)]
#[test]
fn a_directory_that_its_owner_may_not_write_to_is_reported() {
    let machine = Machine::of_other_user();
    machine.has_mode(STATE, 0o500);
    let found = told(&machine.by_user(&DOCTOR));
    assert_eq!(found.len(), 1, "{found:#?}");
    let state = machine.path(STATE);
    for words in ["this user may not write", &format!("chmod u+rwx {state}")] {
        assert!(found[0].contains(words), "no `{words}` in {found:#?}");
    }
}

/// A file system without inodes has free space, and nothing can be created in it.
#[rstest]
#[case::inodes("mount -t tmpfs -o nr_inodes=1 none STORE", "no inodes left")]
#[case::space(
    "mount -t tmpfs -o size=64k none STORE && ! head -c 131072 /dev/zero >STORE/lock 2>&-",
    "no space left"
)]
#[case::read_only("mount -t tmpfs -o ro none STORE", "is mounted read-only")]
#[requires(mount)]
fn a_store_on_a_file_system_that_cannot_be_written_is_reported(
    #[case] mount: &str,
    #[case] words: &str,
) {
    let machine = Machine::new();
    let store = format!("{STATE}/store");
    fs::create_dir(machine.path(&store)).unwrap();
    let mount = mount.replace("STORE", &machine.path(&store));
    let found = told(&machine.mounted(&mount, &DOCTOR));
    assert_eq!(found.len(), 1, "{found:#?}");
    for words in ["local store", words] {
        assert!(found[0].contains(words), "no `{words}` in {found:#?}");
    }
    let ran = machine.mounted(&mount, &["store", "status"]).status(1);
    ran.stderr_has("nothing can be stored")
        .stderr_has(words)
        .stderr_has("hint: ");
}
