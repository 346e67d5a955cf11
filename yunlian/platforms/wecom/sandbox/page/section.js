// WeCom's part of the sandbox's page: the admin console of a corp, and a member's phone.
import { chains, customers } from "./outside.js";
import { options } from "./options.js";
import { people } from "./people.js";
import { phone } from "./phone.js";
import { receivers } from "./receivers.js";
import { settings } from "./settings.js";

export default {
  title: ["企业微信", "WeCom"],
  paths: ["/cgi-bin/gettoken", "/cgi-bin/department/*", "/cgi-bin/user/*", "/cgi-bin/batch/*", "/cgi-bin/media/*", "/cgi-bin/tag/*",
    "/cgi-bin/externalcontact/*", "/cgi-bin/auth/*", "/cgi-bin/message/*", "/cgi-bin/corpgroup/*"],
  receivers: [["contacts", ["通讯录同步", "Contact sync"]], ["customers", ["客户联系", "Customer contact"]], ["app/*", ["自建应用", "Self-built apps"]],
    ["batch", ["异步任务", "Batch jobs"]]],
  views: [
    { key: "people", title: ["通讯录", "Contacts"], render: people },
    { key: "settings", title: ["凭证与应用", "Credentials and apps"], render: settings },
    { key: "receivers", title: ["接收事件服务器", "Event receivers"], render: receivers },
    { key: "customers", title: ["客户联系", "Customer contact"], render: customers },
    { key: "chains", title: ["上下游", "Chains"], render: chains },
    { key: "phone", title: ["手机", "Phone"], render: phone },
    { key: "options", title: ["平台行为", "Behaviour"], render: options },
  ],
};
