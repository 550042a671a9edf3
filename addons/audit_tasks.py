from taskaudit.proxy.addon import TaskAudit

addons = [TaskAudit()]
