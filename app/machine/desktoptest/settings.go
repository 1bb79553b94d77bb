//go:build linux

package desktoptest

import "fmt"

// settings are files below the home folder.
func (d *Desktop) settings() map[string]string {
	files := map[string]string{
		".config/xfce4/xfconf/xfce-perchannel-xml/xfce4-panel.xml":   panelSettings,
		".config/xfce4/xfconf/xfce-perchannel-xml/xfce4-notifyd.xml": notifydSettings,
		".config/deskbell.pa": fmt.Sprintf(soundSettings, d.vars["XDG_RUNTIME_DIR"], Desk, Headset, Desk),
	}
	// The bus must not start these by itself: a test that ends one wants it to be gone.
	for _, name := range []string{"org.freedesktop.Notifications", "org.freedesktop.secrets"} {
		files[".local/share/dbus-1/services/"+name+".service"] = "[D-BUS Service]\nName=" + name + "\nExec=/bin/false\n"
	}
	return files
}

const panelSettings = `<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="dark-mode" type="bool" value="true"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=8;x=640;y=785"/>
      <property name="length" type="uint" value="100"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="size" type="uint" value="30"/>
      <property name="plugin-ids" type="array">
        <value type="int" value="1"/>
        <value type="int" value="2"/>
        <value type="int" value="3"/>
        <value type="int" value="4"/>
      </property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="tasklist"/>
    <property name="plugin-2" type="string" value="separator">
      <property name="expand" type="bool" value="true"/>
      <property name="style" type="uint" value="0"/>
    </property>
    <property name="plugin-3" type="string" value="systray">
      <property name="square-icons" type="bool" value="true"/>
      <property name="icon-size" type="int" value="22"/>
    </property>
    <property name="plugin-4" type="string" value="clock"/>
  </property>
</channel>
`

const notifydSettings = `<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-notifyd" version="1.0">
  <property name="notify-location" type="uint" value="2"/>
  <property name="do-fadeout" type="bool" value="false"/>
  <property name="do-slideout" type="bool" value="false"/>
  <property name="initial-opacity" type="double" value="1.0"/>
</channel>
`

const soundSettings = `load-module module-native-protocol-unix auth-anonymous=1 socket=%s/pulse.sock
load-module module-null-sink sink_name=%s sink_properties=device.description=Desk
load-module module-null-sink sink_name=%s sink_properties=device.description=Headset
set-default-sink %s
`
