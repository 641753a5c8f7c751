//! The feed for BI tools: what it holds, who reads it, and that both databases answer alike.

mod clients;
mod documented;
mod filters;
mod oracle;
mod pages;
mod readers;
mod rules;
mod scene;
mod tables;
mod views;
