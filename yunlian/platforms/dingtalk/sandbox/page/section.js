// DingTalk's part of the sandbox's page: the admin console with its workbench, the developer console, and a phone.
import { behaviour } from "./behaviour.js";
import { developer } from "./developer.js";
import { people } from "./people.js";
import { phone } from "./phone.js";
import { workbench } from "./workbench.js";

export default {
  title: ["钉钉", "DingTalk"],
  paths: ["/gettoken", "/v1.0/oauth2/*", "/auth/scopes", "/topapi/v2/department/*", "/topapi/v2/user/*", "/topapi/user/*", "/topapi/role/*",
    "/topapi/message/*", "/v1.0/card/*", "/v1.0/todo/*", "/call_back/*", "/service/*", "/v1.0/gateway/*"],
  receivers: [["suiteyunlian00000001", ["第三方应用", "Marketplace app"]], ["dingappyunlian*", ["企业内部应用", "Internal apps"]]],
  views: [
    { key: "people", title: ["通讯录", "Contacts"], render: people },
    { key: "workbench", title: ["工作台", "Workbench"], render: workbench },
    { key: "developer", title: ["开发者后台", "Developer console"], render: developer },
    { key: "phone", title: ["手机", "Phone"], render: phone },
    { key: "behaviour", title: ["平台行为", "Behaviour"], render: behaviour },
  ],
};
