import { describe, expect, it } from "vitest";

import { clientHere, localPath } from "@/sign/ways";

describe("where a sign-in may lead", () => {
  it.each(["/", "/me", "/sales.order/1?a=b&c=%E5%8D%95#x", "/e/ACME?to=%2Fme"])("keeps %s", (to) => expect(localPath(to)).toBe(to));
  it.each([
    "//evil.example", "/\\evil.example", "https:evil.example", "https://evil.example", "javascript:alert(1)", "\\\\evil.example", "evil.example",
    "", "/\t/evil.example", "/\n/evil.example", "///evil.example", undefined, null, 7, ["/me"],
  ])("goes home instead of %s", (to) => expect(localPath(to)).toBe("/"));
});

describe("whose client shows the page", () => {
  it.each([
    ["Mozilla/5.0 wxwork/4.1.0 MicroMessenger/7", "", "wecom"],
    ["Mozilla/5.0 DingTalk/7.6", "", "dingtalk"],
    ["Mozilla/5.0 Chrome/140", "?corpId=dingcorp1", "dingtalk"],
    ["Mozilla/5.0 Chrome/140", "?inside=wecom", "wecom"],
    ["Mozilla/5.0 Chrome/140", "", null],
    ["Mozilla/5.0 MicroMessenger/8", "", null],
  ])("%s %s", (agent, search, found) => expect(clientHere(agent, search)).toBe(found));
});
