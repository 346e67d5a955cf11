"""Short messages through Aliyun 阿里云 and Tencent Cloud 腾讯云: clients and sandbox. See README.md."""
