package redfish

// accountResources are sessions and the one account; it cannot be changed.
func (s *service) accountResources() map[string]resource {
	service, account := root+"/AccountService", root+"/AccountService/Accounts/1"
	role := service + "/Roles/Administrator"
	return map[string]resource{
		root + "/SessionService": {get: fixed(object{
			"@odata.id": root + "/SessionService", "@odata.type": "#SessionService.v1_1_8.SessionService",
			"Id": "SessionService", "Name": "Session Service", "ServiceEnabled": true,
			"SessionTimeout": int(sessionTimeout.Seconds()), "Sessions": link(sessionsPath), "Status": healthy(),
		})},
		sessionsPath: {get: s.listSessions, post: s.login, openPost: true},
		// DSP0266 lets clients log in at .../Sessions/Members as well.
		sessionsPath + "/Members": {post: s.login, openPost: true},
		service: {get: fixed(object{
			"@odata.id": service, "@odata.type": "#AccountService.v1_10_0.AccountService",
			"Id": "AccountService", "Name": "Account Service", "ServiceEnabled": true, "Status": healthy(),
			"Accounts": link(service + "/Accounts"), "Roles": link(service + "/Roles"),
		})},
		service + "/Accounts": {get: collection(service+"/Accounts", "ManagerAccountCollection", "Accounts Collection", account)},
		account: {get: fixed(object{
			"@odata.id": account, "@odata.type": "#ManagerAccount.v1_8_0.ManagerAccount",
			"Id": "1", "Name": "User Account", "UserName": s.sessions.user, "Password": nil, "Enabled": true, "Locked": false,
			"RoleId": "Administrator", "AccountTypes": []string{"Redfish"}, "Links": object{"Role": link(role)},
		})},
		service + "/Roles": {get: collection(service+"/Roles", "RoleCollection", "Roles Collection", role)},
		role: {get: fixed(object{
			"@odata.id": role, "@odata.type": "#Role.v1_3_0.Role",
			"Id": "Administrator", "RoleId": "Administrator", "Name": "Administrator Role", "IsPredefined": true,
			"AssignedPrivileges": []string{"Login", "ConfigureManager", "ConfigureUsers", "ConfigureComponents", "ConfigureSelf"},
		})},
	}
}
