"""DingTalk 钉钉: client of both API generations, callbacks, Stream and sandbox. See README.md."""
