//! Setting identity providers up in the console: the steps, the trial, and what a draft and a trial must never do.

mod admin;
mod aside;
mod change;
mod guard;
mod pages;
mod saml;
mod told;
mod trial;
