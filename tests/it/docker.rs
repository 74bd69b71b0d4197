//! `sccfg docker`: the edit of Dockerfiles, and images that are built with them.

mod build;
mod edit;
mod files;
